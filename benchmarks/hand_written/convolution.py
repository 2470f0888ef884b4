"""conv2d and avg_pool2d by hand, at any stride and padding that are the same along both axes; one group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.hand_written.rival import Array, HandWritten


def padded(x: Array, padding: int) -> Array:
    """Zeros around the last two axes."""
    if not padding:
        return x
    n, c, h, w = x.shape
    wide = np.zeros((n, c, h + 2 * padding, w + 2 * padding), x.dtype)
    wide[:, :, padding : padding + h, padding : padding + w] = x
    return wide


def columns_of(x: Array, shape: tuple[int, ...], stride: int, padding: int) -> Array:
    """im2col as a view: (n, c, a, b, o, q)."""
    view = sliding_window_view(padded(x, padding), shape, axis=(2, 3))
    return view[:, :, ::stride, ::stride].transpose(0, 1, 4, 5, 2, 3)


def conv_forward(
    x: Array, weight: Array, bias: Array, *, stride_h: int = 1, padding_h: int = 0, **_: int
) -> tuple[Array, tuple[Any, ...]]:
    """im2col of the whole batch and one batched product; the columns are kept for the backward."""
    stride, padding = stride_h, padding_h
    f, c, a, b = weight.shape
    view = columns_of(x, (a, b), stride, padding)
    o, q = view.shape[4:]
    columns = view.reshape(len(x), c * a * b, o * q)
    y = weight.reshape(f, -1) @ columns
    y += bias[:, None]
    return y.reshape(len(x), f, o, q), (columns, x.shape, weight, stride, padding)


def conv_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Two batched products; K x K strided additions into a padded buffer."""
    columns, (n, c, h, w), weight, stride, padding = saved
    f, _, a, b = weight.shape
    o, q = g.shape[2:]
    rows = g.reshape(n, f, o * q)
    spread = (weight.reshape(f, -1).T @ rows).reshape(n, c, a, b, o, q)
    wide = np.zeros((n, c, h + 2 * padding, w + 2 * padding), g.dtype)
    for i in range(a):
        for j in range(b):
            wide[:, :, i : i + stride * o : stride, j : j + stride * q : stride] += spread[:, :, i, j]
    dx = wide[:, :, padding : padding + h, padding : padding + w]
    dw = (rows @ columns.swapaxes(1, 2)).sum(axis=0).reshape(weight.shape)
    return dx, dw, np.einsum("ncm->c", rows)


def conv_forward_loop(
    x: Array, weight: Array, bias: Array, *, stride_h: int = 1, padding_h: int = 0, **_: int
) -> tuple[Array, tuple[Any, ...]]:
    """im2col, product and bias of one image at a time, all of it in the cache."""
    stride, padding = stride_h, padding_h
    f, c, a, b = weight.shape
    view = columns_of(x, (a, b), stride, padding)
    o, q = view.shape[4:]
    matrix = weight.reshape(f, -1)
    y = np.empty((len(x), f, o * q), x.dtype)
    for image, out in zip(view, y, strict=True):
        np.matmul(matrix, image.reshape(c * a * b, o * q), out=out)
        out += bias[:, None]
    return y.reshape(len(x), f, o, q), (x, weight, stride, padding)


def conv_backward_loop(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """The same one image at a time, with the columns made anew."""
    x, weight, stride, padding = saved
    (n, c, h, w), (f, _, a, b), (o, q) = x.shape, weight.shape, g.shape[2:]
    rows = g.reshape(n, f, o * q)
    view = columns_of(x, (a, b), stride, padding)
    transposed = weight.reshape(f, -1).T
    dw = np.zeros((f, c * a * b), g.dtype)
    wide = np.zeros((n, c, h + 2 * padding, w + 2 * padding), g.dtype)
    for k in range(n):
        dw += rows[k] @ view[k].reshape(c * a * b, o * q).T
        spread = (transposed @ rows[k]).reshape(c, a, b, o, q)
        for i in range(a):
            for j in range(b):
                wide[k, :, i : i + stride * o : stride, j : j + stride * q : stride] += spread[:, i, j]
    dx = wide[:, :, padding : padding + h, padding : padding + w]
    return dx, dw.reshape(weight.shape), np.einsum("ncm->c", rows)


def windows(x: Array, size: int, stride: int) -> Iterator[tuple[slice, slice]]:
    """Where each place of a window is in a padded image."""
    ends = [(length - size) // stride * stride + 1 for length in x.shape[2:]]
    for i in range(size):
        for j in range(size):
            yield slice(i, i + ends[0], stride), slice(j, j + ends[1], stride)


def pool_forward(
    x: Array, *, kernel_h: int = 2, stride_h: int = 2, padding_h: int = 0, **_: int
) -> tuple[Array, tuple[Any, ...]]:
    """A sum of strided slices of square windows, scaled in place."""
    kernel_size, stride, padding = kernel_h, stride_h, padding_h
    wide = padded(x, padding)
    first, *others = windows(wide, kernel_size, stride)
    y: Array = wide[:, :, first[0], first[1]].copy()
    for rows, columns in others:
        y += wide[:, :, rows, columns]
    y *= 1 / kernel_size**2
    return y, (x.shape, kernel_size, stride, padding)


def pool_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """The small array scaled first; then K x K strided additions."""
    (n, c, h, w), size, stride, padding = saved
    scaled = g * (1 / size**2)
    wide = np.zeros((n, c, h + 2 * padding, w + 2 * padding), g.dtype)
    for rows, columns in windows(wide, size, stride):
        wide[:, :, rows, columns] += scaled
    return (wide[:, :, padding : padding + h, padding : padding + w],)


def pool_backward_assigned(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Windows that do not overlap need no addition: each slice is written once."""
    (n, c, h, w), size, stride, padding = saved
    if stride < size or padding:
        return pool_backward(g, saved)
    scaled = g * (1 / size**2)
    dx = np.zeros((n, c, h, w), g.dtype)
    for rows, columns in windows(dx, size, stride):
        dx[:, :, rows, columns] = scaled
    return (dx,)


RIVALS = {
    "conv2d": (
        HandWritten("columns kept", conv_forward, conv_backward),
        HandWritten("image by image", conv_forward_loop, conv_backward_loop, loops=True),
    ),
    "avg_pool2d": (
        HandWritten("slices", pool_forward, pool_backward),
        HandWritten("slices assigned", pool_forward, pool_backward_assigned),
    ),
}
