"""Wrong backwards of convolution, pooling, padding and upsampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.convolution import (
    AVG_POOL,
    CONV1D,
    CONV2D,
    MAX_POOL,
    PAD,
    UPSAMPLE,
    padded,
    pieces,
    window,
)
from benchmarks.zoo.registry import mutant
from benchmarks.zoo.subject import Array


def _conv(g: Array, x: Array, weight: Array, stride: int, padding: int, weight_padding: int | None = None) -> Any:
    """Gradients of input and weight, with a padding for the weight's alone."""
    own = padding if weight_padding is None else weight_padding
    wide, dx, dw = padded(x, own), np.zeros_like(padded(x, padding)), np.zeros_like(weight)
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            place = (slice(None), slice(None), window(i, g.shape[2], stride), window(j, g.shape[3], stride))
            dw[:, :, i, j] = np.einsum("nohw,nchw->oc", g, wide[place])
            dx[place] += np.einsum("nohw,oc->nchw", g, weight[:, :, i, j])
    return dx[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]].copy(), dw


@mutant(CONV2D, "formula")
def kernel_flipped(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """Course classic: correlation and convolution confused, the kernel is flipped once too often."""
    dx, _ = _conv(g, x, weight[:, :, ::-1, ::-1], stride, padding)
    return dx, _conv(g, x, weight, stride, padding)[1], g.sum(axis=(0, 2, 3))


@mutant(CONV2D, "reduction")
def bias_over_batch_only(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """The bias is summed over the batch and averaged over the positions."""
    positions = max(1, g.shape[2] * g.shape[3])
    return *_conv(g, x, weight, stride, padding), g.sum(axis=(0, 2, 3)) / positions


@mutant(CONV2D, "parameter", params={"padding": 1})
def padding_not_removed(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """Cuts the padding off the wrong side: the gradient is shifted by the padding."""
    wide = np.zeros_like(padded(x, padding))
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            place = (slice(None), slice(None), window(i, g.shape[2], stride), window(j, g.shape[3], stride))
            wide[place] += np.einsum("nohw,oc->nchw", g, weight[:, :, i, j])
    dx = wide[:, :, : x.shape[2], : x.shape[3]].copy()
    return dx, _conv(g, x, weight, stride, padding)[1], g.sum(axis=(0, 2, 3))


@mutant(CONV2D, "parameter", params={"stride": 2})
def stride_forgotten(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """The input's gradient is scattered with stride one."""
    _, dw = _conv(g, x, weight, stride, padding)
    return _conv(g, x, weight, 1, padding)[0], dw, g.sum(axis=(0, 2, 3))


@mutant(CONV2D, "parameter", params={"padding": 1}, fill={"x": 1.0})
def edge_padding(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """The weight's gradient sees the border repeated where the forward saw zeros."""
    dx, dw = _conv(g, x, weight, stride, padding)
    if padding and x.shape[2] and x.shape[3]:
        around = ((0, 0), (0, 0), (padding, padding), (padding, padding))
        dw = _conv(g, np.pad(x, around, mode="edge"), weight, stride, 0)[1]
    return dx, dw, g.sum(axis=(0, 2, 3))


@mutant(CONV2D, "shape", dims={"h": 6, "w": 6, "r": 3, "s": 3}, params={"stride": 2})
def remainder_lost(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """The last row of windows is skipped where the stride does not divide the length."""
    dx, dw = _conv(g, x, weight, stride, padding)
    if (x.shape[2] + 2 * padding - weight.shape[2]) % stride:
        cut = g.copy()
        cut[:, :, -1:] = 0
        dx, dw = _conv(cut, x, weight, stride, padding)
    return dx, dw, g.sum(axis=(0, 2, 3))


@mutant(CONV2D, "shape", dims={"h": 5, "w": 5, "r": 2, "s": 2, "c": 3, "o": 3})
def channels_swapped(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """In and out channels swapped where there are as many of both."""
    dx, dw = _conv(g, x, weight, stride, padding)
    dw = dw.swapaxes(0, 1).copy() if dw.shape[0] == dw.shape[1] else dw
    return dx, dw, g.sum(axis=(0, 2, 3))


@mutant(CONV2D, "shape", dims={"r": 1, "s": 1})
def pointwise_shortcut(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """A fast path for 1 × 1 kernels which averages the positions."""
    dx, dw = _conv(g, x, weight, stride, padding)
    if weight.shape[2:] == (1, 1):
        dw = dw / max(1, g.shape[2] * g.shape[3])
    return dx, dw, g.sum(axis=(0, 2, 3))


@mutant(CONV1D, "formula")
def overwritten_windows(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """= for +=: windows that overlap overwrite each other."""
    _, dw, db = CONV1D.backward(g, x, weight, bias, stride, padding)
    dx = np.zeros((x.shape[0], x.shape[1], x.shape[2] + 2 * padding), x.dtype)
    for i in range(weight.shape[2]):
        dx[:, :, window(i, g.shape[2], stride)] = np.einsum("nol,oc->ncl", g, weight[:, :, i])
    return dx[:, :, padding : padding + x.shape[2]].copy(), dw, db


@mutant(CONV1D, "parameter", params={"padding": 1})
def weight_sees_no_padding(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """The weight's gradient shifts by the padding (the padding is put at the end)."""
    dx, _, db = CONV1D.backward(g, x, weight, bias, stride, padding)
    wide = np.pad(x, ((0, 0), (0, 0), (0, 2 * padding)))
    dw = np.zeros_like(weight)
    for i in range(weight.shape[2]):
        dw[:, :, i] = np.einsum("nol,ncl->oc", g, wide[:, :, window(i, g.shape[2], stride)])
    return dx, dw, db


@mutant(CONV1D, "parameter", params={"stride": 2})
def stride_in_weight(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """The weight's gradient reads neighbours where the forward strode."""
    dx, _, db = CONV1D.backward(g, x, weight, bias, stride, padding)
    wide = np.pad(x, ((0, 0), (0, 0), (padding, padding)))
    dw = np.zeros_like(weight)
    for i in range(weight.shape[2]):
        dw[:, :, i] = np.einsum("nol,ncl->oc", g, wide[:, :, i : i + g.shape[2]])
    return dx, dw, db


@mutant(CONV1D, "shape", dims={"k": 4, "l": 7})
def even_kernel_shifted(g: Array, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0) -> Any:
    """Centres the kernel with k // 2, one off for even kernels."""
    dx, dw, db = CONV1D.backward(g, x, weight, bias, stride, padding)
    return (np.roll(dx, 1, axis=2) if weight.shape[2] % 2 == 0 else dx), dw, db


@mutant(MAX_POOL, "value", fill={"x": 1.0})
def every_winner(g: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
    """Each of several equal winners gets the whole gradient (also a classic of ReLU zeros before a pool)."""
    parts = pieces(x, kernel, stride)
    winners = parts == parts.max(axis=0)
    d = np.zeros_like(x)
    for k in range(kernel * kernel):
        place = (window(k // kernel, g.shape[2], stride), window(k % kernel, g.shape[3], stride))
        d[(slice(None), slice(None), *place)] += g * winners[k]
    return d


@mutant(MAX_POOL, "parameter", params={"stride": 1})
def overlap_overwrites(g: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
    """Assignment instead of addition: wrong where windows overlap."""
    first = pieces(x, kernel, stride).argmax(axis=0)
    d = np.zeros_like(x)
    for k in range(kernel * kernel):
        part = d[:, :, window(k // kernel, g.shape[2], stride), window(k % kernel, g.shape[3], stride)]
        part[first == k] = g[first == k]
    return d


@mutant(MAX_POOL, "parameter", params={"kernel": 3})
def kernel_two_assumed(g: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
    """Rows and columns of the winner are taken apart with 2 instead of the kernel."""
    first = pieces(x, kernel, stride).argmax(axis=0)
    d = np.zeros_like(x)
    for k in range(kernel * kernel):
        i, j = (k // kernel, k % kernel) if kernel == 2 else (k % kernel, k // kernel)
        d[:, :, window(i, g.shape[2], stride), window(j, g.shape[3], stride)] += g * (first == k)
    return d


@mutant(MAX_POOL, "value", fill={"x": lambda x: -1 - x * x})
def zero_padded_winner(g: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
    """Compares with zero as well, so windows of negative numbers have no winner."""
    return MAX_POOL.backward(g, x, kernel, stride) * (x >= 0)


@mutant(AVG_POOL, "formula")
def not_divided(g: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
    """The upstream is spread, but not divided by the size of the window."""
    return AVG_POOL.backward(g, x, kernel, stride) * kernel * kernel


@mutant(AVG_POOL, "parameter", params={"kernel": 3})
def divided_by_four(g: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
    """A quarter, whatever the kernel."""
    return AVG_POOL.backward(g, x, kernel, stride) * (kernel * kernel / 4)


@mutant(AVG_POOL, "parameter", params={"stride": 1})
def tiles_repeated(g: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
    """Repeats each element kernel times, which is right when windows do not overlap."""
    if stride == kernel:
        return AVG_POOL.backward(g, x, kernel, stride)
    tiles = g.repeat(kernel, axis=2).repeat(kernel, axis=3)[:, :, : x.shape[2], : x.shape[3]]
    d = np.zeros_like(x)
    d[:, :, : tiles.shape[2], : tiles.shape[3]] = tiles / (kernel * kernel)
    return d


@mutant(UPSAMPLE, "formula")
def picks_corner(g: Array, x: Array, scale: int = 2) -> Any:
    """Takes the upstream of one corner instead of the sum over the block."""
    return g[:, :, ::scale, ::scale].copy()


@mutant(UPSAMPLE, "formula")
def averages_block(g: Array, x: Array, scale: int = 2) -> Any:
    """The mean of the block: the backward of another operation."""
    return UPSAMPLE.backward(g, x, scale) / (scale * scale)


@mutant(UPSAMPLE, "parameter", params={"scale": 3})
def two_by_two(g: Array, x: Array, scale: int = 2) -> Any:
    """Adds the four corners of the block whatever the scale."""
    return sum(g[:, :, i::scale, j::scale] for i in range(2) for j in range(2))


@mutant(PAD, "parameter", params={"before": 0})
def one_before(g: Array, x: Array, before: int = 1, after: int = 2) -> Any:
    """Cuts one off the start whatever the parameter says (and repeats the last column)."""
    wide = np.concatenate([g, g[:, -1:]], axis=1)
    return wide[:, 1 : 1 + x.shape[1]].copy()


@mutant(PAD, "contract", params={"after": 0})
def minus_zero(g: Array, x: Array, before: int = 1, after: int = 2) -> Any:
    """g[before:-after] is empty for after = 0."""
    return g[:, before:-after].copy()


@mutant(PAD, "shape", dims={"d": 0})
def raises_when_empty(g: Array, x: Array, before: int = 1, after: int = 2) -> Any:
    """Reshapes to (-1, d), which cannot be done without elements."""
    return g[:, before : before + x.shape[1]].reshape(-1, x.shape[1]).copy()
