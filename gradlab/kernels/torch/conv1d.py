"""conv1d: 1-D convolution with bias: windows of x, zeros outside it, times the kernel.

Generated from derivations/conv1d.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 86bd86cad578f751. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive conv1d --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import pack, unpack


def forward(
    x: Tensor, weight: Tensor, bias: Tensor, *, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,ci,w),(co,c,a),(co)->(n,co,o).

    What `backward` needs: x, weight, stride, padding, dilation, groups.
    """
    x = unpack(x, 1, "conv1d", groups=groups)
    weight = unpack(weight, 0, "conv1d", groups=groups)
    bias = unpack(bias, 0, "conv1d", groups=groups)
    n, _, c, w = x.shape
    _, f, _, a = weight.shape
    o = (w + 2 * padding - dilation * (a - 1) - 1) // stride + 1
    groups_f = groups * f
    groups_c = groups * c
    if o < 1:
        found = f"no window fits: o = {o}"
        raise ValueError(f"{found}; pad the input, or use a smaller window")
    # (1) z[n,g,f,o] = sum[c,a](weight[g,f,c,a] * x[n,g,c,stride*o + dilation*a - padding])
    # (2) y[n,g,f,o] = z[n,g,f,o] + bias[g,f]
    y = torch.nn.functional.conv1d(
        x.reshape(n, groups_c, w),
        weight.reshape(groups_f, c, a),
        bias.reshape(groups_f),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    y = y.reshape(n, groups, f, o)
    return pack(y, 1), (x, weight, stride, padding, dilation, groups)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, weight, stride, padding, dilation, groups = saved
    grad_output = unpack(grad_output, 1, "conv1d", groups=groups)
    n, _, f, o = grad_output.shape
    _, _, c, w = x.shape
    a = weight.shape[3]
    groups_f = groups * f
    groups_c = groups * c
    grad_bias: Tensor | None = None
    # (6) grad_x[n,g,c,w] = sum[f,a,o](delta[stride*o + dilation*a - padding,w] * grad_output[n,g,f,o] *
    #     weight[g,f,c,a])
    # (8) grad_weight[g,f,c,a] = sum[n,o](grad_output[n,g,f,o] * x[n,g,c,stride*o + dilation*a - padding])
    grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
        grad_output.reshape(n, groups_f, o),
        x.reshape(n, groups_c, w),
        weight.reshape(groups_f, c, a),
        None,
        [stride],
        [padding],
        [dilation],
        False,
        [0],
        groups,
        [needs[0], needs[1], False],
    )
    if needs[0]:
        grad_x = grad_x.reshape(n, groups, c, w)
    if needs[1]:
        grad_weight = grad_weight.reshape(groups, f, c, a)
    if needs[2]:
        # (10) grad_bias[g,f] = sum[n,o](grad_output[n,g,f,o])
        grad_bias = grad_output.sum(dim=3).sum(dim=0)
    if needs[0]:
        grad_x = pack(grad_x, 1)
    if needs[1]:
        grad_weight = pack(grad_weight, 0)
    if needs[2]:
        grad_bias = pack(grad_bias, 0)
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight, stride, padding, dilation, groups = saved
    tangent_x = unpack(tangent_x, 1, "conv1d", groups=groups)
    tangent_weight = unpack(tangent_weight, 0, "conv1d", groups=groups)
    tangent_bias = unpack(tangent_bias, 0, "conv1d", groups=groups)
    n, _, c, w = tangent_x.shape
    _, f, _, a = tangent_weight.shape
    o = (w + 2 * padding - dilation * (a - 1) - 1) // stride + 1
    groups_f = groups * f
    groups_c = groups * c
    # (14) tangent_y[n,g,f,o] = tangent_bias[g,f] + sum[c,a](tangent_weight[g,f,c,a] * x[n,g,c,stride*o + dilation*a
    #     - padding]) + sum[c,a](tangent_x[n,g,c,stride*o + dilation*a - padding] * weight[g,f,c,a])
    dot_x_tangent_weight = torch.nn.functional.conv1d(
        x.reshape(n, groups_c, w),
        tangent_weight.reshape(groups_f, c, a),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    dot_x_tangent_weight = dot_x_tangent_weight.reshape(n, groups, f, o)
    dot_tangent_x_weight = torch.nn.functional.conv1d(
        tangent_x.reshape(n, groups_c, w),
        weight.reshape(groups_f, c, a),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )
    dot_tangent_x_weight = dot_tangent_x_weight.reshape(n, groups, f, o)
    tangent_y = dot_tangent_x_weight + dot_x_tangent_weight
    tangent_y = tangent_y + tangent_bias[:, :, None]
    return pack(tangent_y, 1)


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _x, _weight, stride, padding, dilation, groups = saved
    grad_output = unpack(grad_output, 1, "conv1d", groups=groups)
    tangent_x = unpack(tangent_x, 1, "conv1d", groups=groups)
    tangent_weight = unpack(tangent_weight, 0, "conv1d", groups=groups)
    tangent_bias = unpack(tangent_bias, 0, "conv1d", groups=groups)
    n, _, f, o = grad_output.shape
    _, _, c, w = tangent_x.shape
    a = tangent_weight.shape[3]
    groups_f = groups * f
    groups_c = groups * c
    # (19) hvp_x[n,g,c,w] = sum[f,a,o](delta[stride*o + dilation*a - padding,w] * grad_output[n,g,f,o] *
    #     tangent_weight[g,f,c,a])
    # (21) hvp_weight[g,f,c,a] = sum[n,o](grad_output[n,g,f,o] * tangent_x[n,g,c,stride*o + dilation*a - padding])
    hvp_x, hvp_weight, _ = torch.ops.aten.convolution_backward(
        grad_output.reshape(n, groups_f, o),
        tangent_x.reshape(n, groups_c, w),
        tangent_weight.reshape(groups_f, c, a),
        None,
        [stride],
        [padding],
        [dilation],
        False,
        [0],
        groups,
        [True, True, False],
    )
    hvp_x = hvp_x.reshape(n, groups, c, w)
    hvp_weight = hvp_weight.reshape(groups, f, c, a)
    # (22) hvp_bias[g,f] = 0
    hvp_bias = torch.zeros_like(tangent_bias)
    return pack(hvp_x, 1), pack(hvp_weight, 0), pack(hvp_bias, 0)


def reference(
    x: Tensor, weight: Tensor, bias: Tensor, *, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.conv1d(x, weight, bias, stride, padding, dilation, groups)
    return result
