"""Normalisations; batch normalisation keeps running statistics as torch does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gradlab.errors import ShapeError
from gradlab.nn.layer import Layer, Shape
from gradlab.nn.module import Array


class BatchNorm1d(Layer):
    """Batch normalisation of (N, C) or (N, C, L). Equivalent to torch.nn.BatchNorm1d.

    Training normalises with the batch's own mean and biased variance and moves `running_mean` and `running_var` (the
    unbiased one) by `momentum`; with momentum=None they are averages over all batches. Evaluation uses them.
    Raises ShapeError, a ValueError as torch's, for training with one value per channel.

    >>> import numpy as np
    >>> layer = BatchNorm1d(2)
    >>> layer(np.array([[1.0, 2.0], [3.0, 6.0]], "float32")).round(2).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    >>> layer.running_mean.round(2).tolist(), layer.running_var.round(2).tolist()
    ([0.20000000298023224, 0.4000000059604645], [1.100000023841858, 1.7000000476837158])
    """

    dimensions = (2, 3)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.ones, self.zeros = np.ones(num_features, dtype), np.zeros(num_features, dtype)
        if affine:
            self.params = {"weight": self.ones.copy(), "bias": self.zeros.copy()}
        if track_running_stats:
            self.buffers = {
                "running_mean": self.zeros.copy(),
                "running_var": self.ones.copy(),
                "num_batches_tracked": np.zeros((), np.int64),
            }

    @property
    def batch_statistics(self) -> bool:
        """Whether the batch is normalised with its own statistics."""
        return self.training or not self.buffers

    def kernel_name(self) -> str:
        images = "" if self.rank == 2 else "_2d"
        return f"batch_norm{images}" if self.batch_statistics else f"batch_norm{images}_eval"

    def arrays(self) -> Mapping[str, Array]:
        arrays = {"weight": self.params.get("weight", self.ones), "bias": self.params.get("bias", self.zeros)}
        if not self.batch_statistics:
            arrays |= {name: self.buffers[name] for name in ("running_mean", "running_var")}
        return arrays

    def settings(self) -> dict[str, Any]:
        return {"eps": self.eps}

    def enter(self, *inputs: Array) -> Sequence[Array]:
        return (inputs[0][..., None] if inputs[0].ndim == 3 else inputs[0],)

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        return output.reshape(shapes[0])

    def forward(self, *inputs: Any) -> Any:
        (x,) = map(np.asarray, inputs)
        if x.ndim not in self.dimensions:
            expected = " or ".join(map(str, self.dimensions))
            raise ShapeError(f"{type(self).__name__}: input is {x.shape}; {expected} dimensions are expected")
        if self.batch_statistics and x.size == x.shape[1]:
            raise ShapeError(
                f"{type(self).__name__}: input is {x.shape}, one value per channel, whose variance is 0; train with "
                "more than one, or call eval()"
            )
        self.rank = x.ndim
        output = super().forward(x)
        if self.training and self.buffers:
            self._track(x)
        return output

    def _track(self, x: Array) -> None:
        """Move the running statistics towards the batch's; the kernel has saved one over its standard deviation."""
        assert self._trace is not None
        position = self._trace.kernel.OPERATION.saved.index("inv_std")
        count = x.size // x.shape[1]
        mean = x.mean(axis=tuple(axis for axis in range(x.ndim) if axis != 1))
        variance = self._trace.saved[position] ** -2 - self.eps
        self.buffers["num_batches_tracked"] += 1
        tracked = int(self.buffers["num_batches_tracked"])
        momentum = 1 / tracked if self.momentum is None else self.momentum
        for name, value in (("running_mean", mean), ("running_var", variance * (count / (count - 1)))):
            self.buffers[name] *= 1 - momentum
            self.buffers[name] += (momentum * value).astype(self.zeros.dtype)


class BatchNorm2d(BatchNorm1d):
    """Batch normalisation of (N, C, H, W) per channel. Equivalent to torch.nn.BatchNorm2d."""

    dimensions = (4,)
