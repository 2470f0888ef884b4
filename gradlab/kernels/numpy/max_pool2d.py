"""max_pool2d: Maximum over windows; what is outside x does not count, at a tie the first entry is taken.

Generated from derivations/max_pool2d.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: d2070363e087c4a8. Saved for the backward: at.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive max_pool2d --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.windows import largest
from gradlab.operation import Argument, Extent, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="max_pool2d",
    summary="Maximum over windows; what is outside x does not count, at a tie the first entry is taken.",
    signature=Signature.parse("(n,c,h,w)->(n,c,o,q)"),
    arguments=(Argument("x", real()),),
    saved=("at",),
    reference=(
        "torch.nn.functional.max_pool2d(x, (kernel_h, kernel_w), (stride_h, stride_w), (padding_h, padding_w), "
        "(dilation_h, dilation_w), ceil_mode=ceil_mode > 0)"
    ),
    digest="d2070363e087c4a8",
    parameters=(
        Parameter("kernel_h", 2, 2, 3, integer=True),
        Parameter("kernel_w", 2, 2, 3, integer=True),
        Parameter("stride_h", 2, 1, 3, integer=True),
        Parameter("stride_w", 2, 1, 3, integer=True),
        Parameter("padding_h", 0, 0, 1, integer=True),
        Parameter("padding_w", 0, 0, 1, integer=True),
        Parameter("dilation_h", 1, 1, 2, integer=True),
        Parameter("dilation_w", 1, 1, 2, integer=True),
        Parameter("ceil_mode", 0, 0, 1, integer=True),
    ),
    extents=(
        Extent(
            "o",
            "min((h + 2 * padding_h - dilation_h * (kernel_h - 1) - 1 + ceil_mode * (stride_h - 1)) // stride_h + 1, "
            "(h + padding_h - 1) // stride_h + 1)",
        ),
        Extent(
            "q",
            "min((w + 2 * padding_w - dilation_w * (kernel_w - 1) - 1 + ceil_mode * (stride_w - 1)) // stride_w + 1, "
            "(w + padding_w - 1) // stride_w + 1)",
        ),
    ),
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
    dilation_h: int = 1,
    dilation_w: int = 1,
    ceil_mode: int = 0,
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,c,h,w)->(n,c,o,q), and what `backward` needs: at, h, w."""
    n, c, h, w = x.shape
    o = min(
        (h + 2 * padding_h - dilation_h * (kernel_h - 1) - 1 + ceil_mode * (stride_h - 1)) // stride_h + 1,
        (h + padding_h - 1) // stride_h + 1,
    )
    q = min(
        (w + 2 * padding_w - dilation_w * (kernel_w - 1) - 1 + ceil_mode * (stride_w - 1)) // stride_w + 1,
        (w + padding_w - 1) // stride_w + 1,
    )
    if o < 1 or q < 1:
        found = f"no window fits: o = {o}, q = {q}"
        raise ValueError(f"{found}; pad the input, or use a smaller window")
    # (1) at[n,c,o,q] = argmax[a,b](x[n,c,stride_h*o + dilation_h*a - padding_h,stride_w*q + dilation_w*b -
    #     padding_w])
    grid = (
        (n, c, o, q),
        (1, 1, stride_h, stride_w),
        (0, 0, -padding_h, -padding_w),
        ((2, kernel_h, dilation_h), (3, kernel_w, dilation_w)),
    )
    y, at = largest(x, *grid)
    # (2) y[n,c,o,q] = x[n,c,at.h[n,c,o,q],at.w[n,c,o,q]]
    return y, (at, h, w)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    at, h, w = saved
    n, c, _, _ = grad_output.shape
    hw = h * w
    nchw = n * c * h * w
    # (4) grad_x[n,c,h,w] = sum[o,q](delta[at.h[n,c,o,q],h] * delta[at.w[n,c,o,q],w] * grad_output[n,c,o,q])
    grad_x_at = (np.arange(n)[:, None, None, None] * c + np.arange(c)[:, None, None]) * hw + at
    grad_x = np.zeros(nchw, grad_output.dtype)
    np.add.at(grad_x, grad_x_at.reshape(-1), grad_output.reshape(-1))
    grad_x = grad_x.reshape(n, c, h, w)
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    at, h, w = saved
    n, c, _, _ = tangent_x.shape
    hw = h * w
    # (6) tangent_y[n,c,o,q] = tangent_x[n,c,at.h[n,c,o,q],at.w[n,c,o,q]]
    tangent_y = tangent_x.reshape(n, c, hw)[np.arange(n)[:, None, None, None], np.arange(c)[:, None, None], at]
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _at, _h, _w = saved
    # (8) hvp_x[n,c,h,w] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (hvp_x,)
