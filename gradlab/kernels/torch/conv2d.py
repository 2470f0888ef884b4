"""conv2d: 2-D convolution with bias: windows of x, zeros outside it, times the kernel.

Generated from derivations/conv2d.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 5514a36c64080857. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive conv2d --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import pack, unpack


def forward(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    stride_h: int = 1,
    stride_w: int = 1,
    padding_h: int = 0,
    padding_w: int = 0,
    dilation_h: int = 1,
    dilation_w: int = 1,
    groups: int = 1,
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,ci,h,w),(co,c,a,b),(co)->(n,co,o,q).

    What `backward` needs: x, weight, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups.
    """
    x = unpack(x, 1, "conv2d", groups=groups)
    weight = unpack(weight, 0, "conv2d", groups=groups)
    bias = unpack(bias, 0, "conv2d", groups=groups)
    n, _, c, h, w = x.shape
    _, f, _, a, b = weight.shape
    o = (h + 2 * padding_h - dilation_h * (a - 1) - 1) // stride_h + 1
    q = (w + 2 * padding_w - dilation_w * (b - 1) - 1) // stride_w + 1
    groups_f = groups * f
    groups_c = groups * c
    if o < 1 or q < 1:
        found = f"no window fits: o = {o}, q = {q}"
        raise ValueError(f"{found}; pad the input, or use a smaller window")
    # (1) z[n,g,f,o,q] = sum[c,a,b](weight[g,f,c,a,b] * x[n,g,c,stride_h*o + dilation_h*a - padding_h,stride_w*q +
    #     dilation_w*b - padding_w])
    # (2) y[n,g,f,o,q] = z[n,g,f,o,q] + bias[g,f]
    y = torch.nn.functional.conv2d(
        x.reshape(n, groups_c, h, w),
        weight.reshape(groups_f, c, a, b),
        bias.reshape(groups_f),
        stride=(stride_h, stride_w),
        padding=(padding_h, padding_w),
        dilation=(dilation_h, dilation_w),
        groups=groups,
    )
    y = y.reshape(n, groups, f, o, q)
    return pack(y, 1), (x, weight, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, weight, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups = saved
    grad_output = unpack(grad_output, 1, "conv2d", groups=groups)
    n, _, f, o, q = grad_output.shape
    _, _, c, h, w = x.shape
    _, _, _, a, b = weight.shape
    groups_f = groups * f
    groups_c = groups * c
    grad_bias: Tensor | None = None
    # (6) grad_x[n,g,c,h,w] = sum[f,a,b,o,q](delta[stride_h*o + dilation_h*a - padding_h,h] * delta[stride_w*q +
    #     dilation_w*b - padding_w,w] * grad_output[n,g,f,o,q] * weight[g,f,c,a,b])
    # (8) grad_weight[g,f,c,a,b] = sum[n,o,q](grad_output[n,g,f,o,q] * x[n,g,c,stride_h*o + dilation_h*a -
    #     padding_h,stride_w*q + dilation_w*b - padding_w])
    grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
        grad_output.reshape(n, groups_f, o, q),
        x.reshape(n, groups_c, h, w),
        weight.reshape(groups_f, c, a, b),
        None,
        [stride_h, stride_w],
        [padding_h, padding_w],
        [dilation_h, dilation_w],
        False,
        [0, 0],
        groups,
        [needs[0], needs[1], False],
    )
    if needs[0]:
        grad_x = grad_x.reshape(n, groups, c, h, w)
    if needs[1]:
        grad_weight = grad_weight.reshape(groups, f, c, a, b)
    if needs[2]:
        # (10) grad_bias[g,f] = sum[n,o,q](grad_output[n,g,f,o,q])
        grad_bias = grad_output.sum(dim=(3, 4)).sum(dim=0)
    if needs[0]:
        grad_x = pack(grad_x, 1)
    if needs[1]:
        grad_weight = pack(grad_weight, 0)
    if needs[2]:
        grad_bias = pack(grad_bias, 0)
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups = saved
    tangent_x = unpack(tangent_x, 1, "conv2d", groups=groups)
    tangent_weight = unpack(tangent_weight, 0, "conv2d", groups=groups)
    tangent_bias = unpack(tangent_bias, 0, "conv2d", groups=groups)
    n, _, c, h, w = tangent_x.shape
    _, f, _, a, b = tangent_weight.shape
    o = (h + 2 * padding_h - dilation_h * (a - 1) - 1) // stride_h + 1
    q = (w + 2 * padding_w - dilation_w * (b - 1) - 1) // stride_w + 1
    groups_f = groups * f
    groups_c = groups * c
    # (14) tangent_y[n,g,f,o,q] = tangent_bias[g,f] + sum[c,a,b](tangent_weight[g,f,c,a,b] * x[n,g,c,stride_h*o +
    #     dilation_h*a - padding_h,stride_w*q + dilation_w*b - padding_w]) + sum[c,a,b](tangent_x[n,g,c,stride_h*o +
    #     dilation_h*a - padding_h,stride_w*q + dilation_w*b - padding_w] * weight[g,f,c,a,b])
    dot_x_tangent_weight = torch.nn.functional.conv2d(
        x.reshape(n, groups_c, h, w),
        tangent_weight.reshape(groups_f, c, a, b),
        stride=(stride_h, stride_w),
        padding=(padding_h, padding_w),
        dilation=(dilation_h, dilation_w),
        groups=groups,
    )
    dot_x_tangent_weight = dot_x_tangent_weight.reshape(n, groups, f, o, q)
    dot_tangent_x_weight = torch.nn.functional.conv2d(
        tangent_x.reshape(n, groups_c, h, w),
        weight.reshape(groups_f, c, a, b),
        stride=(stride_h, stride_w),
        padding=(padding_h, padding_w),
        dilation=(dilation_h, dilation_w),
        groups=groups,
    )
    dot_tangent_x_weight = dot_tangent_x_weight.reshape(n, groups, f, o, q)
    tangent_y = dot_tangent_x_weight + dot_x_tangent_weight
    tangent_y = tangent_y + tangent_bias[:, :, None, None]
    return pack(tangent_y, 1)


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _x, _weight, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups = saved
    grad_output = unpack(grad_output, 1, "conv2d", groups=groups)
    tangent_x = unpack(tangent_x, 1, "conv2d", groups=groups)
    tangent_weight = unpack(tangent_weight, 0, "conv2d", groups=groups)
    tangent_bias = unpack(tangent_bias, 0, "conv2d", groups=groups)
    n, _, f, o, q = grad_output.shape
    _, _, c, h, w = tangent_x.shape
    _, _, _, a, b = tangent_weight.shape
    groups_f = groups * f
    groups_c = groups * c
    # (19) hvp_x[n,g,c,h,w] = sum[f,a,b,o,q](delta[stride_h*o + dilation_h*a - padding_h,h] * delta[stride_w*q +
    #     dilation_w*b - padding_w,w] * grad_output[n,g,f,o,q] * tangent_weight[g,f,c,a,b])
    # (21) hvp_weight[g,f,c,a,b] = sum[n,o,q](grad_output[n,g,f,o,q] * tangent_x[n,g,c,stride_h*o + dilation_h*a -
    #     padding_h,stride_w*q + dilation_w*b - padding_w])
    hvp_x, hvp_weight, _ = torch.ops.aten.convolution_backward(
        grad_output.reshape(n, groups_f, o, q),
        tangent_x.reshape(n, groups_c, h, w),
        tangent_weight.reshape(groups_f, c, a, b),
        None,
        [stride_h, stride_w],
        [padding_h, padding_w],
        [dilation_h, dilation_w],
        False,
        [0, 0],
        groups,
        [True, True, False],
    )
    hvp_x = hvp_x.reshape(n, groups, c, h, w)
    hvp_weight = hvp_weight.reshape(groups, f, c, a, b)
    # (22) hvp_bias[g,f] = 0
    hvp_bias = torch.zeros_like(tangent_bias)
    return pack(hvp_x, 1), pack(hvp_weight, 0), pack(hvp_bias, 0)


def reference(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    stride_h: int = 1,
    stride_w: int = 1,
    padding_h: int = 0,
    padding_w: int = 0,
    dilation_h: int = 1,
    dilation_w: int = 1,
    groups: int = 1,
) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.conv2d(
        x, weight, bias, (stride_h, stride_w), (padding_h, padding_w), (dilation_h, dilation_w), groups
    )
    return result
