"""avg_pool2d: Mean over windows; zeros of the padding count (torch's count_include_pad=True).

Generated from derivations/avg_pool2d.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 269135409db34730. Saved for the backward: nothing.
The backward has 1 reduction and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive avg_pool2d --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.windows import spread, window_sums
from gradlab.operation import Argument, Extent, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="avg_pool2d",
    summary="Mean over windows; zeros of the padding count (torch's count_include_pad=True).",
    signature=Signature.parse("(n,c,h,w)->(n,c,o,q)"),
    arguments=(Argument("x", real()),),
    saved=(),
    reference="torch.nn.functional.avg_pool2d(x, (kernel_h, kernel_w), (stride_h, stride_w), (padding_h, padding_w))",
    digest="269135409db34730",
    parameters=(
        Parameter("kernel_h", 2, 1, 3, integer=True),
        Parameter("kernel_w", 2, 1, 3, integer=True),
        Parameter("stride_h", 2, 1, 3, integer=True),
        Parameter("stride_w", 2, 1, 3, integer=True),
        Parameter("padding_h", 0, 0, 1, integer=True),
        Parameter("padding_w", 0, 0, 1, integer=True),
    ),
    extents=(
        Extent("o", "(h + 2 * padding_h - kernel_h) // stride_h + 1"),
        Extent("q", "(w + 2 * padding_w - kernel_w) // stride_w + 1"),
    ),
    nonempty=("c", "h", "w"),
    output="y",
)


def forward(
    x: Array,
    *,
    kernel_h: int = 2,
    kernel_w: int = 2,
    stride_h: int = 2,
    stride_w: int = 2,
    padding_h: int = 0,
    padding_w: int = 0,
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,c,h,w)->(n,c,o,q).

    What `backward` needs: h, w, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w.
    """
    n, c, h, w = x.shape
    o = (h + 2 * padding_h - kernel_h) // stride_h + 1
    q = (w + 2 * padding_w - kernel_w) // stride_w + 1
    kernel_h_kernel_w = kernel_h * kernel_w
    inverse_kernel_h_kernel_w = 1 / kernel_h_kernel_w if kernel_h_kernel_w else np.nan
    if o < 1 or q < 1:
        found = f"no window fits: o = {o}, q = {q}"
        raise ValueError(f"{found}; pad the input, or use a smaller window")
    # (1) y[n,c,o,q] = sum[a,b](x[n,c,stride_h*o + a - padding_h,stride_w*q + b - padding_w]) / (kernel_h *
    #     kernel_w)
    grid = (
        (n, c, o, q),
        (1, 1, stride_h, stride_w),
        (0, 0, -padding_h, -padding_w),
        ((2, kernel_h, 1), (3, kernel_w, 1)),
    )
    y = window_sums(x, *grid)
    y *= inverse_kernel_h_kernel_w
    return y, (h, w, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    h, w, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w = saved
    n, c, o, q = grad_output.shape
    kernel_h_kernel_w = kernel_h * kernel_w
    inverse_kernel_h_kernel_w = 1 / kernel_h_kernel_w if kernel_h_kernel_w else np.nan
    # (3) grad_x[n,c,h,w] = sum[o,q,a,b](delta[stride_h*o + a - padding_h,h] * delta[stride_w*q + b - padding_w,w] *
    #     grad_output[n,c,o,q]) / (kernel_h * kernel_w)
    scaled_g = grad_output * inverse_kernel_h_kernel_w
    grid = (
        (n, c, o, q),
        (1, 1, stride_h, stride_w),
        (0, 0, -padding_h, -padding_w),
        ((2, kernel_h, 1), (3, kernel_w, 1)),
    )
    grad_x = spread(scaled_g, (n, c, h, w), *grid)
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    h, w, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w = saved
    n, c, _, _ = tangent_x.shape
    o = (h + 2 * padding_h - kernel_h) // stride_h + 1
    q = (w + 2 * padding_w - kernel_w) // stride_w + 1
    kernel_h_kernel_w = kernel_h * kernel_w
    inverse_kernel_h_kernel_w = 1 / kernel_h_kernel_w if kernel_h_kernel_w else np.nan
    # (5) tangent_y[n,c,o,q] = sum[a,b](tangent_x[n,c,stride_h*o + a - padding_h,stride_w*q + b - padding_w]) /
    #     (kernel_h * kernel_w)
    grid = (
        (n, c, o, q),
        (1, 1, stride_h, stride_w),
        (0, 0, -padding_h, -padding_w),
        ((2, kernel_h, 1), (3, kernel_w, 1)),
    )
    tangent_y = window_sums(tangent_x, *grid)
    tangent_y *= inverse_kernel_h_kernel_w
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _h, _w, _kernel_h, _kernel_w, _stride_h, _stride_w, _padding_h, _padding_w = saved
    # (7) hvp_x[n,c,h,w] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (hvp_x,)
