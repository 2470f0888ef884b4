"""Attention with several heads on torch.nn's module."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gradlab.torch.nn.doors import DOORS, or_full


class MultiheadAttention(torch.nn.MultiheadAttention):
    """Scaled dot-product attention of each head between linear maps, all of them derived operations.

    Masks are torch's: True, or -inf, hides a key. A query that sees no key gets 0 where `need_weights` is False and
    both masks are boolean, else NaN, the softmax of nothing. Raises ValueError for what is not derived: `dropout` in
    training, `add_bias_kv` and `add_zero_attn`.
    """

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        self._refuse(attn_mask, is_causal)
        batched = query.ndim == 3
        inputs = [self._batch_first(x, batched) for x in (query, key, value)]
        q, k, v = (self._heads(x, part) for part, x in enumerate(inputs))
        mask = _mask(key_padding_mask, attn_mask, (*q.shape[:-1], k.shape[-2]), q.dtype)
        weights: Tensor | None = None
        if need_weights:
            weights = _weights(q, k, mask)
            output = DOORS["matmul"](("weights", "value"), weights, v)
            weights = DOORS["mean"](("weights",), weights, axis=1) if average_attn_weights else weights
        else:
            output = _attention(q, k, v, mask)
        n, _, length, _ = output.shape
        joined = self._linear(output.transpose(1, 2).reshape(n * length, -1), self.out_proj.weight, self.out_proj.bias)
        joined = joined.reshape(n, length, self.embed_dim)
        if not batched:
            return joined[0], None if weights is None else weights[0]
        return joined if self.batch_first else joined.transpose(0, 1), weights

    def _refuse(self, attn_mask: Tensor | None, is_causal: bool) -> None:
        if self.dropout and self.training:
            raise ValueError(f"MultiheadAttention: dropout={self.dropout} is not derived; use 0, or eval()")
        if self.bias_k is not None or self.add_zero_attn:
            raise ValueError("MultiheadAttention: add_bias_kv and add_zero_attn are not derived; use torch.nn's layer")
        if is_causal and attn_mask is None:
            raise ValueError("MultiheadAttention: is_causal is a hint of what attn_mask holds; give attn_mask too")

    def _batch_first(self, x: Tensor, batched: bool) -> Tensor:
        """(L, E), (L, N, E) or (N, L, E) as (N, L, E)."""
        if not batched:
            return x[None]
        return x if self.batch_first else x.transpose(0, 1)

    def _heads(self, x: Tensor, part: int) -> Tensor:
        """Queries, keys or values (0, 1, 2) of every head: (N, H, L, E / H)."""
        size = self.embed_dim
        if self._qkv_same_embed_dim:
            weight = self.in_proj_weight[part * size : (part + 1) * size]
        else:
            weight = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)[part]
        every: Tensor | None = self.in_proj_bias
        bias = None if every is None else every[part * size : (part + 1) * size]
        n, length, features = x.shape
        mapped = self._linear(x.reshape(n * length, features), weight, bias)
        return mapped.reshape(n, length, self.num_heads, self.head_dim).transpose(1, 2)

    @staticmethod
    def _linear(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return DOORS["linear"](("input", "weight", "bias"), rows, weight, or_full(bias, len(weight), 0.0, weight))


def _mask(
    padding: Tensor | None, attention: Tensor | None, shape: tuple[int, ...], dtype: torch.dtype
) -> Tensor | None:
    """Both masks as one of shape (N, H, L, S): booleans, True where a key is seen, or what is added to the scores."""
    n, heads, _, keys = shape
    given = []
    if padding is not None:
        given.append(padding.reshape(-1, 1, 1, keys))
    if attention is not None:
        given.append(attention.reshape(n, heads, *shape[2:]) if attention.ndim == 3 else attention)
    if not given:
        return None
    if all(mask.dtype == torch.bool for mask in given):
        hidden = given[0] if len(given) == 1 else given[0] | given[1]
        return (~hidden).expand(shape)
    added = [_added(mask, dtype) if mask.dtype == torch.bool else mask for mask in given]
    return (added[0] if len(added) == 1 else added[0] + added[1]).expand(shape)


def _added(hidden: Tensor, dtype: torch.dtype) -> Tensor:
    """-inf where a key is hidden, 0 elsewhere."""
    return torch.zeros(hidden.shape, dtype=dtype, device=hidden.device).masked_fill(hidden, -math.inf)


def _attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    names = ("query", "key", "value", "attn_mask")
    if mask is None:
        return DOORS["scaled_dot_product_attention"](names[:3], query, key, value)
    kind = "mask" if mask.dtype == torch.bool else "bias"
    return DOORS[f"scaled_dot_product_attention_{kind}"](names, query, key, value, mask)


def _weights(query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
    """The softmax of the scores, step by step, because attention as one operation does not give it."""
    scale = query.new_full((), 1 / math.sqrt(query.shape[-1]))
    scores = DOORS["matmul"](("query", "key"), DOORS["mul"](("query", "scale"), query, scale), key.transpose(-1, -2))
    if mask is not None:
        added = _added(~mask, query.dtype) if mask.dtype == torch.bool else mask
        scores = DOORS["add"](("scores", "attn_mask"), scores, added)
    return DOORS["softmax"](("scores",), scores)
