"""Convolution, pooling, padding and upsampling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array


def size(length: int, kernel: int, stride: int) -> int:
    """How many windows fit."""
    return (length - kernel) // stride + 1


def window(k: int, count: int, stride: int) -> slice:
    """The k-th element of every window."""
    return slice(k, k + stride * count, stride) if count else slice(0, 0)


def padded(x: Array, p: int, q: int = -1) -> Any:
    """Zeros around the last two axes."""
    q = p if q < 0 else q
    return np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)))


def _conv2d(x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    x = padded(x, padding)
    (o, _, r, s), (n, _, h, w) = weight.shape, x.shape
    rows, columns = size(h, r, stride), size(w, s, stride)
    y = np.zeros((n, o, rows, columns), x.dtype) + bias[:, None, None]
    for i in range(r):
        for j in range(s):
            y += np.einsum(
                "nchw,oc->nohw", x[:, :, window(i, rows, stride), window(j, columns, stride)], weight[:, :, i, j]
            )
    return y


def _conv2d_backward(
    grad_output: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0
) -> Any:
    wide = padded(x, padding)
    dx, dw = np.zeros_like(wide), np.zeros_like(weight)
    _, _, rows, columns = grad_output.shape
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            place = (slice(None), slice(None), window(i, rows, stride), window(j, columns, stride))
            dw[:, :, i, j] = np.einsum("nohw,nchw->oc", grad_output, wide[place])
            dx[place] += np.einsum("nohw,oc->nchw", grad_output, weight[:, :, i, j])
    h, w = x.shape[2:]
    return dx[:, :, padding : padding + h, padding : padding + w].copy(), dw, grad_output.sum(axis=(0, 2, 3))


def _conv1d(x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding)))
    count = size(x.shape[2], weight.shape[2], stride)
    y = np.zeros((x.shape[0], weight.shape[0], count), x.dtype) + bias[:, None]
    for i in range(weight.shape[2]):
        y += np.einsum("ncl,oc->nol", x[:, :, window(i, count, stride)], weight[:, :, i])
    return y


def _conv1d_backward(
    grad_output: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0
) -> Any:
    wide = np.pad(x, ((0, 0), (0, 0), (padding, padding)))
    dx, dw = np.zeros_like(wide), np.zeros_like(weight)
    for i in range(weight.shape[2]):
        place = (slice(None), slice(None), window(i, grad_output.shape[2], stride))
        dw[:, :, i] = np.einsum("nol,ncl->oc", grad_output, wide[place])
        dx[place] += np.einsum("nol,oc->ncl", grad_output, weight[:, :, i])
    return dx[:, :, padding : padding + x.shape[2]].copy(), dw, grad_output.sum(axis=(0, 2))


def pieces(x: Array, kernel: int, stride: int) -> Any:
    """The k-th element of every window, for all k, on a new first axis."""
    rows, columns = size(x.shape[2], kernel, stride), size(x.shape[3], kernel, stride)
    return np.stack(
        [x[:, :, window(i, rows, stride), window(j, columns, stride)] for i in range(kernel) for j in range(kernel)]
    )


def _max_pool(x: Array, kernel: int = 2, stride: int = 2) -> Any:
    return pieces(x, kernel, stride).max(axis=0)


def _max_pool_backward(grad_output: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
    first = pieces(x, kernel, stride).argmax(axis=0)
    d = np.zeros_like(x)
    _, _, rows, columns = grad_output.shape
    for k in range(kernel * kernel):
        d[:, :, window(k // kernel, rows, stride), window(k % kernel, columns, stride)] += grad_output * (first == k)
    return d


def _avg_pool(x: Array, kernel: int = 2, stride: int = 2) -> Any:
    return pieces(x, kernel, stride).mean(axis=0)


def _avg_pool_backward(grad_output: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
    d = np.zeros_like(x)
    _, _, rows, columns = grad_output.shape
    for k in range(kernel * kernel):
        place = (slice(None), slice(None), window(k // kernel, rows, stride), window(k % kernel, columns, stride))
        d[place] += grad_output / (kernel * kernel)
    return d


def _upsample(x: Array, scale: int = 2) -> Any:
    return x.repeat(scale, axis=2).repeat(scale, axis=3)


def _upsample_backward(grad_output: Array, x: Array, scale: int = 2) -> Any:
    n, c, h, w = x.shape
    return grad_output.reshape(n, c, h, scale, w, scale).sum(axis=(3, 5))


def _pad(x: Array, before: int = 1, after: int = 2) -> Any:
    return np.pad(x, ((0, 0), (before, after)))


def _pad_backward(grad_output: Array, x: Array, before: int = 1, after: int = 2) -> Any:
    return grad_output[:, before : before + x.shape[1]].copy()


def _covers_1d(dims: Mapping[str, int], params: Mapping[str, Any]) -> bool:
    return bool(dims["l"] + 2 * params["padding"] >= dims["k"])


def _covers_2d(dims: Mapping[str, int], params: Mapping[str, Any]) -> bool:
    return bool(min(dims["h"] - dims["r"], dims["w"] - dims["s"]) + 2 * params["padding"] >= 0)


def _pools(dims: Mapping[str, int], params: Mapping[str, Any]) -> bool:
    return bool(min(dims["h"], dims["w"]) >= params["kernel"])


CONV1D = operation(
    name="conv1d",
    forward=_conv1d,
    backward=_conv1d_backward,
    signature="(n,c,l),(o,c,k),(o)",
    names=("x", "weight", "bias"),
    dims={"k": (1, 4)},
    where=_covers_1d,
    params={"stride": (1, 2), "padding": (0, 1)},
    sizes={"n": 2, "c": 3, "l": 7, "o": 4, "k": 3},
)
CONV2D = operation(
    name="conv2d",
    forward=_conv2d,
    backward=_conv2d_backward,
    signature="(n,c,h,w),(o,c,r,s),(o)",
    names=("x", "weight", "bias"),
    dims={"r": (1, 3), "s": (1, 3)},
    where=_covers_2d,
    params={"stride": (1, 2), "padding": (0, 1)},
    sizes={"n": 2, "c": 3, "h": 5, "w": 6, "o": 4, "r": 3, "s": 2},
)
_POOL: dict[str, Any] = {
    "signature": "(n,c,h,w)",
    "where": _pools,
    "params": {"kernel": (2, 3), "stride": (2, 1)},
    "sizes": {"n": 2, "c": 3, "h": 5, "w": 6},
}
MAX_POOL = operation(name="max_pool2d", forward=_max_pool, backward=_max_pool_backward, **_POOL)
AVG_POOL = operation(name="avg_pool2d", forward=_avg_pool, backward=_avg_pool_backward, **_POOL)
UPSAMPLE = operation(
    name="upsample_nearest",
    forward=_upsample,
    backward=_upsample_backward,
    signature="(n,c,h,w)",
    params={"scale": (2, 3)},
    sizes={"n": 2, "c": 3, "h": 4, "w": 5},
)
PAD = operation(
    name="pad",
    forward=_pad,
    backward=_pad_backward,
    signature="(n,d)",
    params={"before": (1, 0), "after": (2, 0)},
)
