"""The linear layer, and reshaping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gradlab.kernels.door import check_upstream
from gradlab.nn.initialise import Seed, affine, normal
from gradlab.nn.layer import DType, Layer, Shape, missing_forward
from gradlab.nn.module import Array, Module


class Linear(Layer):
    """`input @ weight.T + bias` over the last axis. Equivalent to torch.nn.Linear.

    Shapes: input (..., in_features), weight (out_features, in_features), bias (out_features,).

    >>> import numpy as np
    >>> layer = Linear(3, 2, seed=0)
    >>> layer(np.ones((5, 3), "float32")).shape
    (5, 2)
    >>> layer(np.ones((5, 4), "float32"))
    Traceback (most recent call last):
    gradlab.errors.ShapeError: linear: input has 4 features, weight expects 3 (weight is (2, 3)); input is (5, 4)
    """

    operation = "linear"

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, seed: Seed = None, dtype: DTypeLike = "float32"
    ) -> None:
        super().__init__()
        self.params = affine((out_features, in_features), bias, seed, dtype)

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        weight = self.params["weight"]
        return {"weight": weight, "bias": self.params.get("bias", np.zeros(len(weight), dtype))}

    def enter(self, *inputs: Array) -> Sequence[Array]:
        (x,) = inputs
        # A batch of any shape is one batch to the kernel; reshape cannot infer the rows of an array without entries.
        return (x if x.ndim == 2 else x.reshape(int(np.prod(x.shape[:-1])), *x.shape[-1:]),)

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        return output.reshape(*shapes[0][:-1], output.shape[-1])


class Embedding(Layer):
    """Rows of a table by integer labels. Equivalent to torch.nn.Embedding.

    Shapes: input (...) of labels below `num_embeddings`, weight (num_embeddings, embedding_dim).

    >>> import numpy as np
    >>> Embedding(10, 3, seed=0)(np.array([[1, 2], [4, 1]])).shape
    (2, 2, 3)
    """

    operation = "embedding"
    own = ("weight",)

    def __init__(
        self, num_embeddings: int, embedding_dim: int, *, seed: Seed = None, dtype: DTypeLike = "float32"
    ) -> None:
        super().__init__()
        self.params = {"weight": normal((num_embeddings, embedding_dim), seed, dtype)}


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one. Equivalent to torch.nn.Flatten.

    >>> import numpy as np
    >>> Flatten()(np.ones((5, 3, 2, 2))).shape
    (5, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim
        self.flattened: Array | None = None

    def forward(self, *inputs: Any) -> Any:
        (x,) = map(np.asarray, inputs)
        first, last = self.start_dim % x.ndim, self.end_dim % x.ndim
        output = x.reshape(*x.shape[:first], int(np.prod(x.shape[first : last + 1])), *x.shape[last + 1 :])
        self.shape, self.flattened = x.shape, output
        return output

    def backward(self, grad_output: Any, *, retain: bool = False, input_gradient: bool = True) -> Any:
        if self.flattened is None:
            raise missing_forward(self)
        check_upstream("flatten", np.asarray(grad_output), self.flattened.shape, self.flattened.dtype)
        if not retain:
            self.flattened = None
        return grad_output.reshape(self.shape) if input_gradient else None
