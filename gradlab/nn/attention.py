"""Attention with several heads, out of linear maps and scaled dot-product attention."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gradlab import registry
from gradlab.errors import ShapeError
from gradlab.kernels.door import check_inputs, check_upstream
from gradlab.nn.initialise import Seed, uniform
from gradlab.nn.layer import Shape, missing_forward
from gradlab.nn.linear import Linear
from gradlab.nn.module import Array, Module


@dataclass(frozen=True, slots=True)
class Trace:
    """What a forward leaves for its backward."""

    maps: tuple[tuple[Any, ...], ...]
    """What the linear kernel saved of query, key and value."""
    attention: ModuleType
    saved: tuple[Any, ...]
    output: Shape


class MultiheadAttention(Module):
    """Scaled dot-product attention of each head between linear maps. Equivalent to torch.nn.MultiheadAttention.

    Shapes: query (L, N, E), key and value (S, N, E), output (L, N, E); with `batch_first` N comes before L and S.
    Masks are torch's: `attn_mask` (L, S) or (N * num_heads, L, S), `key_padding_mask` (N, S), True where a key is
    hidden, or numbers that are added to the scores. A query that sees no key gets 0 where all masks are boolean.
    The weights are not returned. Parameters: in_proj_weight (3 E, E), in_proj_bias (3 E,), out_proj.weight (E, E),
    out_proj.bias (E,). Raises ShapeError and DtypeError at the door.

    >>> import numpy as np
    >>> layer = MultiheadAttention(4, 2, seed=0)
    >>> x = np.ones((3, 5, 4), "float32")
    >>> layer(x, x, x).shape
    (3, 5, 4)
    >>> list(layer.state_dict())
    ['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias']
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        bias: bool = True,
        *,
        batch_first: bool = False,
        seed: Seed = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__()
        if num_heads < 1 or embed_dim % num_heads:
            raise ValueError(f"embed_dim={embed_dim} does not divide into num_heads={num_heads}")
        generator = np.random.default_rng(seed)
        self.num_heads, self.batch_first = num_heads, batch_first
        # As torch fills them: Glorot's bound for the maps in, biases of 0.
        self.params["in_proj_weight"] = uniform((3 * embed_dim, embed_dim), sqrt(6 / (4 * embed_dim)), generator, dtype)
        if bias:
            self.params["in_proj_bias"] = np.zeros(3 * embed_dim, dtype)
        self.out_proj = Linear(embed_dim, embed_dim, bias, seed=generator, dtype=dtype)
        if bias:
            self.out_proj.params["bias"][:] = 0
        self._trace: Trace | None = None

    def __call__(self, *inputs: Any, **masks: Any) -> Any:
        return self.forward(*inputs, **masks)

    def forward(self, query: Any, key: Any, value: Any, attn_mask: Any = None, key_padding_mask: Any = None) -> Any:
        """The attended values, in the query's shape."""
        arrays = [np.asarray(x) for x in (query, key, value)]
        for name, x in zip(("query", "key", "value"), arrays, strict=True):
            if x.ndim != 3:
                raise ShapeError(f"MultiheadAttention: {name} is {x.shape}; 3 dimensions are expected")
        batches = [x if self.batch_first else x.swapaxes(0, 1) for x in arrays]
        mapped, maps = zip(*(self._map(x, part) for part, x in enumerate(batches)), strict=True)
        q, k, v = (self._heads(x) for x in mapped)
        mask = _mask(attn_mask, key_padding_mask, (*q.shape[:-1], k.shape[-2]), q.dtype)
        kind = "" if mask is None else "_mask" if mask.dtype == bool else "_bias"
        attention = registry.kernel(f"scaled_dot_product_attention{kind}")
        given = (q, k, v) if mask is None else (q, k, v, mask)
        names = ["query", "key", "value", "attn_mask"][: len(given)]
        check_inputs(attention.OPERATION, given, names, [x.shape for x in given], {})
        attended, saved = attention.forward(*given)
        output = self.out_proj(self._joined(attended))
        output = output if self.batch_first else output.swapaxes(0, 1)
        self._trace = Trace(maps, attention, saved, output.shape)
        return output

    def backward(self, grad_output: Any, *, retain: bool = False, input_gradient: bool = True) -> Any:
        """The gradients of query, key and value; the parameters' are added to `grads`."""
        trace = self._trace
        if trace is None:
            raise missing_forward(self)
        upstream = np.asarray(grad_output)
        check_upstream("MultiheadAttention", upstream, trace.output, self.in_proj_weight.dtype)
        upstream = upstream if self.batch_first else upstream.swapaxes(0, 1)
        attended = self._heads(self.out_proj.backward(upstream, retain=retain))
        heads = trace.attention.backward(attended, trace.saved)[:3]
        found = [self._unmap(self._joined(g), saved) for g, saved in zip(heads, trace.maps, strict=True)]
        gradients, weights, biases = zip(*found, strict=True)
        self._add("in_proj_weight", np.concatenate(weights))
        self._add("in_proj_bias", np.concatenate(biases))
        if not retain:
            self._trace = None
        return tuple(g if self.batch_first else g.swapaxes(0, 1) for g in gradients) if input_gradient else None

    def _map(self, x: Array, part: int) -> tuple[Array, tuple[Any, ...]]:
        """Queries, keys or values (0, 1, 2) of a batch, and what the backward needs."""
        size = self.in_proj_weight.shape[1]
        rows = slice(part * size, (part + 1) * size)
        weight = self.in_proj_weight[rows]
        bias = self.params["in_proj_bias"][rows] if "in_proj_bias" in self.params else np.zeros(size, weight.dtype)
        kernel, flat = registry.kernel("linear"), x.reshape(x.shape[0] * x.shape[1], x.shape[2])
        names = ("query", "key", "value")[part : part + 1]
        given = (flat, weight, bias)
        check_inputs(kernel.OPERATION, given, [*names, "weight", "bias"], [x.shape, weight.shape, bias.shape], {})
        y, saved = kernel.forward(*given)
        return y.reshape(*x.shape[:2], size), saved

    def _unmap(self, gradient: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
        """The gradients of a batch, of its weights and of its biases."""
        n, length, size = gradient.shape
        x, weight, bias = registry.kernel("linear").backward(gradient.reshape(n * length, size), saved)
        return x.reshape(n, length, size), weight, bias

    def _add(self, name: str, gradient: Array) -> None:
        if name in self.params:
            self.grads[name] = self.grads[name] + gradient if name in self.grads else gradient

    def _heads(self, x: Array) -> Array:
        """(N, L, E) as (N, H, L, E / H)."""
        n, length, size = x.shape
        return x.reshape(n, length, self.num_heads, size // self.num_heads).swapaxes(1, 2)

    def _joined(self, x: Array) -> Array:
        """The way back."""
        n, heads, length, size = x.shape
        return x.swapaxes(1, 2).reshape(n, length, heads * size)


def _mask(attention: Any, padding: Any, shape: Shape, dtype: Any) -> Array | None:
    """Both masks as one of shape (N, H, L, S): booleans, True where a key is seen, or what is added to the scores."""
    given = []
    if attention is not None:
        array = np.asarray(attention)
        given.append(array.reshape(shape) if array.ndim == 3 else array)
    if padding is not None:
        given.append(np.asarray(padding)[:, None, None, :])
    if not given:
        return None
    if all(mask.dtype == bool for mask in given):
        hidden = given[0] if len(given) == 1 else given[0] | given[1]
        return np.broadcast_to(~hidden, shape)
    added = [np.where(mask, -np.inf, 0.0) if mask.dtype == bool else mask for mask in given]
    return np.broadcast_to(sum(added), shape).astype(dtype)
