"""Normalisations; batch normalisation keeps running statistics as torch does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from gradlab.errors import ShapeError
from gradlab.nn.layer import DType, Layer, Shape
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

    dimensions: ClassVar[tuple[int, ...]] = (2, 3)

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
        self.num_features = num_features
        if affine:
            self.params = {"weight": np.ones(num_features, dtype), "bias": np.zeros(num_features, dtype)}
        if track_running_stats:
            self.buffers = {
                "running_mean": np.zeros(num_features, dtype),
                "running_var": np.ones(num_features, dtype),
                "num_batches_tracked": np.zeros((), np.int64),
            }

    @property
    def batch_statistics(self) -> bool:
        """Whether the batch is normalised with its own statistics."""
        return self.training or not self.buffers

    def kernel_name(self, *inputs: Array) -> str:
        images = "" if inputs[0].ndim == 2 else "_2d"
        return f"batch_norm{images}" if self.batch_statistics else f"batch_norm{images}_eval"

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        arrays = _scale_and_shift(self.params, (self.num_features,), dtype)
        if not self.batch_statistics:
            arrays |= {name: self.buffers[name] for name in ("running_mean", "running_var")}
        return arrays

    def settings(self, dtype: DType) -> dict[str, Any]:
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
        output = super().forward(x)
        if self.training and self.buffers:
            self._track(x.size // x.shape[1])
        return output

    def _track(self, count: int) -> None:
        """Move the running statistics towards the batch's, with the unbiased variance of `count` values."""
        assert self._trace is not None
        handed = dict(zip(self._trace.kernel.OPERATION.saved, self._trace.saved, strict=False))
        mean, variance = handed["mu"], handed["var"] * (count / (count - 1))
        self.buffers["num_batches_tracked"] += 1
        tracked = int(self.buffers["num_batches_tracked"])
        momentum = 1 / tracked if self.momentum is None else self.momentum
        for name, value in (("running_mean", mean), ("running_var", variance)):
            self.buffers[name] *= 1 - momentum
            self.buffers[name] += (momentum * value).astype(self.buffers[name].dtype)


class BatchNorm2d(BatchNorm1d):
    """Batch normalisation of (N, C, H, W) per channel. Equivalent to torch.nn.BatchNorm2d."""

    dimensions = (4,)


class LayerNorm(Layer):
    """Normalisation over the last axes, those of `normalized_shape`. Equivalent to torch.nn.LayerNorm."""

    operation = "layer_norm"

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps = shape, eps
        if elementwise_affine:
            self.params = {"weight": np.ones(shape, dtype)} | ({"bias": np.zeros(shape, dtype)} if bias else {})

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        found = _scale_and_shift(self.params, self.normalized_shape, dtype)
        return {name: array.reshape(-1) for name, array in found.items()}

    def settings(self, dtype: DType) -> dict[str, Any]:
        return {"eps": self.eps}

    def enter(self, *inputs: Array) -> Sequence[Array]:
        (x,) = inputs
        rank = len(self.normalized_shape)
        if x.shape[x.ndim - rank :] != self.normalized_shape:
            raise ShapeError(
                f"{self.operation}: input is {x.shape}, its last axes are not {self.normalized_shape}, the "
                "normalized_shape"
            )
        return (x.reshape(*x.shape[: x.ndim - rank], prod(self.normalized_shape)),)

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        return output.reshape(shapes[0])


class RMSNorm(LayerNorm):
    """Division by the root mean square over the last axes. Equivalent to torch.nn.RMSNorm.

    Without `eps` it is the spacing of the dtype at 1, as in torch.
    """

    operation = "rms_norm"

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(normalized_shape, elementwise_affine=elementwise_affine, bias=False, dtype=dtype)
        self.spacing = eps

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        return {"weight": super().arrays(dtype)["weight"]}

    def settings(self, dtype: DType) -> dict[str, Any]:
        spacing = float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0  # the door refuses integers
        return {"eps": spacing if self.spacing is None else self.spacing}


class GroupNorm(Layer):
    """Normalisation of (N, C, …) over groups of channels. Equivalent to torch.nn.GroupNorm."""

    operation = "group_norm"

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels={num_channels} is not a multiple of num_groups={num_groups}")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        if affine:
            self.params = {"weight": np.ones(num_channels, dtype), "bias": np.zeros(num_channels, dtype)}

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        return _scale_and_shift(self.params, (self.num_channels,), dtype)

    def settings(self, dtype: DType) -> dict[str, Any]:
        return {"num_groups": self.num_groups, "eps": self.eps}

    def enter(self, *inputs: Array) -> Sequence[Array]:
        (x,) = inputs
        return (x if x.ndim in (0, 1, 4) else x.reshape(*x.shape[:2], prod(x.shape[2:]), 1),)

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        return output.reshape(shapes[0])


class InstanceNorm2d(GroupNorm):
    """Normalisation of each channel of each image, without running statistics. As torch.nn.InstanceNorm2d."""

    operation = "instance_norm"

    def __init__(
        self, num_features: int, eps: float = 1e-5, *, affine: bool = False, dtype: DTypeLike = "float32"
    ) -> None:
        super().__init__(1, num_features, eps, affine, dtype=dtype)

    def settings(self, dtype: DType) -> dict[str, Any]:
        return {"eps": self.eps}


def _scale_and_shift(params: Mapping[str, Array], shape: Shape, dtype: DType) -> dict[str, Array]:
    """Weight and bias, ones and zeros where the layer has none."""
    weight, bias = params.get("weight"), params.get("bias")
    return {
        "weight": np.ones(shape, dtype) if weight is None else weight,
        "bias": np.zeros(shape, dtype) if bias is None else bias,
    }
