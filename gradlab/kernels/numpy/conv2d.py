"""conv2d: 2-D convolution with bias: windows of x, zeros outside it, times the kernel.

Generated from derivations/conv2d.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 5514a36c64080857. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive conv2d --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import pack, unpack
from gradlab.kernels.blocks import blocks
from gradlab.kernels.windows import overlaps, windows
from gradlab.operation import Argument, Extent, Operation, Packed, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="conv2d",
    summary="2-D convolution with bias: windows of x, zeros outside it, times the kernel.",
    signature=Signature.parse("(n,ci,h,w),(co,c,a,b),(co)->(n,co,o,q)"),
    arguments=(
        Argument("x", real()),
        Argument("weight", real()),
        Argument("bias", real()),
    ),
    saved=("x", "weight"),
    reference=(
        "torch.nn.functional.conv2d(x, weight, bias, (stride_h, stride_w), (padding_h, padding_w), (dilation_h, "
        "dilation_w), groups)"
    ),
    digest="5514a36c64080857",
    parameters=(
        Parameter("stride_h", 1, 1, 3, integer=True),
        Parameter("stride_w", 1, 1, 3, integer=True),
        Parameter("padding_h", 0, 0, 2, integer=True),
        Parameter("padding_w", 0, 0, 2, integer=True),
        Parameter("dilation_h", 1, 1, 2, integer=True),
        Parameter("dilation_w", 1, 1, 2, integer=True),
        Parameter("groups", 1, 1, 3, integer=True),
    ),
    packed=Packed("co", "groups", "f", also=(("ci", "c"),)),
    extents=(
        Extent("o", "(h + 2 * padding_h - dilation_h * (a - 1) - 1) // stride_h + 1"),
        Extent("q", "(w + 2 * padding_w - dilation_w * (b - 1) - 1) // stride_w + 1"),
        Extent("ci", "groups * c"),
    ),
    nonempty=("c", "h", "w", "co", "a", "b"),
    output="y",
    curved=("x", "weight"),
)


def forward(
    x: Array,
    weight: Array,
    bias: Array,
    *,
    stride_h: int = 1,
    stride_w: int = 1,
    padding_h: int = 0,
    padding_w: int = 0,
    dilation_h: int = 1,
    dilation_w: int = 1,
    groups: int = 1,
) -> tuple[Array, tuple[Any, ...]]:
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
    oq = o * q
    cab = c * a * b
    groups_c_a_b_o_q = groups * c * a * b * o * q
    groups_f_o_q = groups * f * o * q
    if o < 1 or q < 1:
        found = f"no window fits: o = {o}, q = {q}"
        raise ValueError(f"{found}; pad the input, or use a smaller window")
    # (1) z[n,g,f,o,q] = sum[c,a,b](weight[g,f,c,a,b] * x[n,g,c,stride_h*o + dilation_h*a - padding_h,stride_w*q +
    #     dilation_w*b - padding_w])
    grid = (
        (n, groups, c, o, q),
        (1, 1, 1, stride_h, stride_w),
        (0, 0, 0, -padding_h, -padding_w),
        ((3, a, dilation_h), (4, b, dilation_w)),
    )
    matrix = weight.reshape(groups, f, cab)
    columns = windows(x, *grid).transpose(2, 3, 4, 0, 1, 5, 6)
    z = np.empty((n, groups, f, oq), np.result_type(x, weight))
    for rows in blocks((n, groups_c_a_b_o_q)):
        part = columns[rows]
        part = part.reshape(len(part), groups, cab, oq)
        np.matmul(matrix, part, out=z[rows])
    z = z.reshape(n, groups, f, o, q)
    # (2) y[n,g,f,o,q] = z[n,g,f,o,q] + bias[g,f]
    y = np.add(z.reshape(n, groups_f_o_q), np.repeat(bias, oq), out=z.reshape(n, groups_f_o_q))
    return pack(y.reshape(n, groups, f, o, q), 1), (
        x,
        weight,
        stride_h,
        stride_w,
        padding_h,
        padding_w,
        dilation_h,
        dilation_w,
        groups,
    )


def backward(
    grad_output: Array, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, weight, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups = saved
    grad_output = unpack(grad_output, 1, "conv2d", groups=groups)
    n, _, f, o, q = grad_output.shape
    _, _, c, h, w = x.shape
    _, _, _, a, b = weight.shape
    cab = c * a * b
    oq = o * q
    groups_c_a_b_o_q = groups * c * a * b * o * q
    groups_f = groups * f
    grad_x: Array | None = None
    grad_weight: Array | None = None
    grad_bias: Array | None = None
    # (6) grad_x[n,g,c,h,w] = sum[f,a,b,o,q](delta[stride_h*o + dilation_h*a - padding_h,h] * delta[stride_w*q +
    #     dilation_w*b - padding_w,w] * grad_output[n,g,f,o,q] * weight[g,f,c,a,b])
    grid = (
        (n, groups, c, o, q),
        (1, 1, 1, stride_h, stride_w),
        (0, 0, 0, -padding_h, -padding_w),
        ((3, a, dilation_h), (4, b, dilation_w)),
    )
    if needs[0]:
        grad_x = np.zeros((n, groups, c, h, w), np.result_type(grad_output, weight))
        matrix = weight.swapaxes(1, 2).swapaxes(2, 3).swapaxes(3, 4).reshape(groups, cab, f)
        factors = grad_output.reshape(n, groups, f, oq)
        found = overlaps(grad_x.shape, *grid)
        for rows in blocks((n, groups_c_a_b_o_q)):
            part = grad_x[rows]
            columns = (matrix @ factors[rows]).reshape(len(part), groups, c, a, b, o, q).transpose(3, 4, 0, 1, 2, 5, 6)
            for tap, to, of in found:
                part[to] += columns[tap][of]
    if needs[1]:
        # (8) grad_weight[g,f,c,a,b] = sum[n,o,q](grad_output[n,g,f,o,q] * x[n,g,c,stride_h*o + dilation_h*a -
        #     padding_h,stride_w*q + dilation_w*b - padding_w])
        factors = grad_output.reshape(n, groups, f, oq)
        columns = windows(x, *grid).transpose(2, 3, 4, 0, 1, 5, 6)
        grad_weight = np.zeros((groups, f, cab), np.result_type(x, grad_output))
        for rows in blocks((n, groups_c_a_b_o_q)):
            part = columns[rows]
            part = part.reshape(len(part), groups, cab, oq)
            grad_weight += (factors[rows] @ part.swapaxes(-1, -2)).sum(axis=0)
        grad_weight = grad_weight.reshape(groups, f, c, a, b)
    if needs[2]:
        # (10) grad_bias[g,f] = sum[n,o,q](grad_output[n,g,f,o,q])
        grad_bias = np.einsum("ncm->c", grad_output.reshape(n, groups_f, oq))
        grad_bias = grad_bias.reshape(groups, f)
    if needs[0]:
        grad_x = pack(grad_x, 1)
    if needs[1]:
        grad_weight = pack(grad_weight, 0)
    if needs[2]:
        grad_bias = pack(grad_bias, 0)
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Any, ...], tangent_x: Array, tangent_weight: Array, tangent_bias: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups = saved
    tangent_x = unpack(tangent_x, 1, "conv2d", groups=groups)
    tangent_weight = unpack(tangent_weight, 0, "conv2d", groups=groups)
    tangent_bias = unpack(tangent_bias, 0, "conv2d", groups=groups)
    n, _, c, h, w = tangent_x.shape
    _, f, _, a, b = tangent_weight.shape
    o = (h + 2 * padding_h - dilation_h * (a - 1) - 1) // stride_h + 1
    q = (w + 2 * padding_w - dilation_w * (b - 1) - 1) // stride_w + 1
    oq = o * q
    cab = c * a * b
    groups_c_a_b_o_q = groups * c * a * b * o * q
    # (14) tangent_y[n,g,f,o,q] = tangent_bias[g,f] + sum[c,a,b](tangent_weight[g,f,c,a,b] * x[n,g,c,stride_h*o +
    #     dilation_h*a - padding_h,stride_w*q + dilation_w*b - padding_w]) + sum[c,a,b](tangent_x[n,g,c,stride_h*o +
    #     dilation_h*a - padding_h,stride_w*q + dilation_w*b - padding_w] * weight[g,f,c,a,b])
    grid = (
        (n, groups, c, o, q),
        (1, 1, 1, stride_h, stride_w),
        (0, 0, 0, -padding_h, -padding_w),
        ((3, a, dilation_h), (4, b, dilation_w)),
    )
    matrix = tangent_weight.reshape(groups, f, cab)
    columns = windows(x, *grid).transpose(2, 3, 4, 0, 1, 5, 6)
    dot_x_tangent_weight = np.empty((n, groups, f, oq), np.result_type(x, tangent_weight))
    for rows in blocks((n, groups_c_a_b_o_q)):
        part = columns[rows]
        part = part.reshape(len(part), groups, cab, oq)
        np.matmul(matrix, part, out=dot_x_tangent_weight[rows])
    dot_x_tangent_weight = dot_x_tangent_weight.reshape(n, groups, f, o, q)
    matrix = weight.reshape(groups, f, cab)
    columns = windows(tangent_x, *grid).transpose(2, 3, 4, 0, 1, 5, 6)
    dot_tangent_x_weight = np.empty((n, groups, f, oq), np.result_type(tangent_x, weight))
    for rows in blocks((n, groups_c_a_b_o_q)):
        part = columns[rows]
        part = part.reshape(len(part), groups, cab, oq)
        np.matmul(matrix, part, out=dot_tangent_x_weight[rows])
    dot_tangent_x_weight = dot_tangent_x_weight.reshape(n, groups, f, o, q)
    tangent_y = dot_tangent_x_weight + dot_x_tangent_weight
    tangent_y += tangent_bias[:, :, None, None]
    return pack(tangent_y, 1)


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_x: Array, tangent_weight: Array, tangent_bias: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _x, _weight, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups = saved
    grad_output = unpack(grad_output, 1, "conv2d", groups=groups)
    tangent_x = unpack(tangent_x, 1, "conv2d", groups=groups)
    tangent_weight = unpack(tangent_weight, 0, "conv2d", groups=groups)
    tangent_bias = unpack(tangent_bias, 0, "conv2d", groups=groups)
    n, _, f, o, q = grad_output.shape
    _, _, c, h, w = tangent_x.shape
    _, _, _, a, b = tangent_weight.shape
    cab = c * a * b
    oq = o * q
    groups_c_a_b_o_q = groups * c * a * b * o * q
    # (19) hvp_x[n,g,c,h,w] = sum[f,a,b,o,q](delta[stride_h*o + dilation_h*a - padding_h,h] * delta[stride_w*q +
    #     dilation_w*b - padding_w,w] * grad_output[n,g,f,o,q] * tangent_weight[g,f,c,a,b])
    grid = (
        (n, groups, c, o, q),
        (1, 1, 1, stride_h, stride_w),
        (0, 0, 0, -padding_h, -padding_w),
        ((3, a, dilation_h), (4, b, dilation_w)),
    )
    hvp_x = np.zeros((n, groups, c, h, w), np.result_type(grad_output, tangent_weight))
    matrix = tangent_weight.swapaxes(1, 2).swapaxes(2, 3).swapaxes(3, 4).reshape(groups, cab, f)
    factors = grad_output.reshape(n, groups, f, oq)
    found = overlaps(hvp_x.shape, *grid)
    for rows in blocks((n, groups_c_a_b_o_q)):
        part = hvp_x[rows]
        columns = (matrix @ factors[rows]).reshape(len(part), groups, c, a, b, o, q).transpose(3, 4, 0, 1, 2, 5, 6)
        for tap, to, of in found:
            part[to] += columns[tap][of]
    # (21) hvp_weight[g,f,c,a,b] = sum[n,o,q](grad_output[n,g,f,o,q] * tangent_x[n,g,c,stride_h*o + dilation_h*a -
    #     padding_h,stride_w*q + dilation_w*b - padding_w])
    factors = grad_output.reshape(n, groups, f, oq)
    columns = windows(tangent_x, *grid).transpose(2, 3, 4, 0, 1, 5, 6)
    hvp_weight = np.zeros((groups, f, cab), np.result_type(tangent_x, grad_output))
    for rows in blocks((n, groups_c_a_b_o_q)):
        part = columns[rows]
        part = part.reshape(len(part), groups, cab, oq)
        hvp_weight += (factors[rows] @ part.swapaxes(-1, -2)).sum(axis=0)
    hvp_weight = hvp_weight.reshape(groups, f, c, a, b)
    # (22) hvp_bias[g,f] = 0
    hvp_bias = np.zeros_like(tangent_bias)
    return pack(hvp_x, 1), pack(hvp_weight, 0), pack(hvp_bias, 0)
