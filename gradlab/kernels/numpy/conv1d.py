"""conv1d: 1-D convolution with bias: windows of x, zeros outside it, times the kernel.

Generated from derivations/conv1d.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 86bd86cad578f751. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive conv1d --to text` prints.
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
    name="conv1d",
    summary="1-D convolution with bias: windows of x, zeros outside it, times the kernel.",
    signature=Signature.parse("(n,ci,w),(co,c,a),(co)->(n,co,o)"),
    arguments=(
        Argument("x", real()),
        Argument("weight", real()),
        Argument("bias", real()),
    ),
    saved=("x", "weight"),
    reference="torch.nn.functional.conv1d(x, weight, bias, stride, padding, dilation, groups)",
    digest="86bd86cad578f751",
    parameters=(
        Parameter("stride", 1, 1, 3, integer=True),
        Parameter("padding", 0, 0, 2, integer=True),
        Parameter("dilation", 1, 1, 2, integer=True),
        Parameter("groups", 1, 1, 3, integer=True),
    ),
    packed=Packed("co", "groups", "f", also=(("ci", "c"),)),
    extents=(
        Extent("o", "(w + 2 * padding - dilation * (a - 1) - 1) // stride + 1"),
        Extent("ci", "groups * c"),
    ),
    nonempty=("c", "w", "co", "a"),
    output="y",
    curved=("x", "weight"),
)


def forward(
    x: Array, weight: Array, bias: Array, *, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,ci,w),(co,c,a),(co)->(n,co,o).

    What `backward` needs: x, weight, stride, padding, dilation, groups.
    """
    x = unpack(x, 1, "conv1d", groups=groups)
    weight = unpack(weight, 0, "conv1d", groups=groups)
    bias = unpack(bias, 0, "conv1d", groups=groups)
    n, _, c, w = x.shape
    _, f, _, a = weight.shape
    o = (w + 2 * padding - dilation * (a - 1) - 1) // stride + 1
    ca = c * a
    groups_c_a_o = groups * c * a * o
    groups_f_o = groups * f * o
    if o < 1:
        found = f"no window fits: o = {o}"
        raise ValueError(f"{found}; pad the input, or use a smaller window")
    # (1) z[n,g,f,o] = sum[c,a](weight[g,f,c,a] * x[n,g,c,stride*o + dilation*a - padding])
    grid = (
        (n, groups, c, o),
        (1, 1, 1, stride),
        (0, 0, 0, -padding),
        ((3, a, dilation),),
    )
    matrix = weight.reshape(groups, f, ca)
    columns = windows(x, *grid).transpose(1, 2, 3, 0, 4)
    z = np.empty((n, groups, f, o), np.result_type(x, weight))
    for rows in blocks((n, groups_c_a_o)):
        part = columns[rows]
        part = part.reshape(len(part), groups, ca, o)
        np.matmul(matrix, part, out=z[rows])
    z = z.reshape(n, groups, f, o)
    # (2) y[n,g,f,o] = z[n,g,f,o] + bias[g,f]
    y = np.add(z.reshape(n, groups_f_o), np.repeat(bias, o), out=z.reshape(n, groups_f_o))
    return pack(y.reshape(n, groups, f, o), 1), (x, weight, stride, padding, dilation, groups)


def backward(
    grad_output: Array, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, weight, stride, padding, dilation, groups = saved
    grad_output = unpack(grad_output, 1, "conv1d", groups=groups)
    n, _, f, o = grad_output.shape
    _, _, c, w = x.shape
    a = weight.shape[3]
    ca = c * a
    groups_c_a_o = groups * c * a * o
    groups_f = groups * f
    grad_x: Array | None = None
    grad_weight: Array | None = None
    grad_bias: Array | None = None
    # (6) grad_x[n,g,c,w] = sum[f,a,o](delta[stride*o + dilation*a - padding,w] * grad_output[n,g,f,o] *
    #     weight[g,f,c,a])
    grid = (
        (n, groups, c, o),
        (1, 1, 1, stride),
        (0, 0, 0, -padding),
        ((3, a, dilation),),
    )
    if needs[0]:
        grad_x = np.zeros((n, groups, c, w), np.result_type(grad_output, weight))
        matrix = weight.swapaxes(1, 2).swapaxes(2, 3).reshape(groups, ca, f)
        factors = grad_output.reshape(n, groups, f, o)
        found = overlaps(grad_x.shape, *grid)
        for rows in blocks((n, groups_c_a_o)):
            part = grad_x[rows]
            columns = (matrix @ factors[rows]).reshape(len(part), groups, c, a, o).transpose(3, 0, 1, 2, 4)
            for tap, to, of in found:
                part[to] += columns[tap][of]
    if needs[1]:
        # (8) grad_weight[g,f,c,a] = sum[n,o](grad_output[n,g,f,o] * x[n,g,c,stride*o + dilation*a - padding])
        factors = grad_output.reshape(n, groups, f, o)
        columns = windows(x, *grid).transpose(1, 2, 3, 0, 4)
        grad_weight = np.zeros((groups, f, ca), np.result_type(x, grad_output))
        for rows in blocks((n, groups_c_a_o)):
            part = columns[rows]
            part = part.reshape(len(part), groups, ca, o)
            grad_weight += (factors[rows] @ part.swapaxes(-1, -2)).sum(axis=0)
        grad_weight = grad_weight.reshape(groups, f, c, a)
    if needs[2]:
        # (10) grad_bias[g,f] = sum[n,o](grad_output[n,g,f,o])
        grad_bias = np.einsum("ncm->c", grad_output.reshape(n, groups_f, o))
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
    x, weight, stride, padding, dilation, groups = saved
    tangent_x = unpack(tangent_x, 1, "conv1d", groups=groups)
    tangent_weight = unpack(tangent_weight, 0, "conv1d", groups=groups)
    tangent_bias = unpack(tangent_bias, 0, "conv1d", groups=groups)
    n, _, c, w = tangent_x.shape
    _, f, _, a = tangent_weight.shape
    o = (w + 2 * padding - dilation * (a - 1) - 1) // stride + 1
    ca = c * a
    groups_c_a_o = groups * c * a * o
    # (14) tangent_y[n,g,f,o] = tangent_bias[g,f] + sum[c,a](tangent_weight[g,f,c,a] * x[n,g,c,stride*o + dilation*a
    #     - padding]) + sum[c,a](tangent_x[n,g,c,stride*o + dilation*a - padding] * weight[g,f,c,a])
    grid = (
        (n, groups, c, o),
        (1, 1, 1, stride),
        (0, 0, 0, -padding),
        ((3, a, dilation),),
    )
    matrix = tangent_weight.reshape(groups, f, ca)
    columns = windows(x, *grid).transpose(1, 2, 3, 0, 4)
    dot_x_tangent_weight = np.empty((n, groups, f, o), np.result_type(x, tangent_weight))
    for rows in blocks((n, groups_c_a_o)):
        part = columns[rows]
        part = part.reshape(len(part), groups, ca, o)
        np.matmul(matrix, part, out=dot_x_tangent_weight[rows])
    dot_x_tangent_weight = dot_x_tangent_weight.reshape(n, groups, f, o)
    matrix = weight.reshape(groups, f, ca)
    columns = windows(tangent_x, *grid).transpose(1, 2, 3, 0, 4)
    dot_tangent_x_weight = np.empty((n, groups, f, o), np.result_type(tangent_x, weight))
    for rows in blocks((n, groups_c_a_o)):
        part = columns[rows]
        part = part.reshape(len(part), groups, ca, o)
        np.matmul(matrix, part, out=dot_tangent_x_weight[rows])
    dot_tangent_x_weight = dot_tangent_x_weight.reshape(n, groups, f, o)
    tangent_y = dot_tangent_x_weight + dot_x_tangent_weight
    tangent_y += tangent_bias[:, :, None]
    return pack(tangent_y, 1)


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_x: Array, tangent_weight: Array, tangent_bias: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _x, _weight, stride, padding, dilation, groups = saved
    grad_output = unpack(grad_output, 1, "conv1d", groups=groups)
    tangent_x = unpack(tangent_x, 1, "conv1d", groups=groups)
    tangent_weight = unpack(tangent_weight, 0, "conv1d", groups=groups)
    tangent_bias = unpack(tangent_bias, 0, "conv1d", groups=groups)
    n, _, f, o = grad_output.shape
    _, _, c, w = tangent_x.shape
    a = tangent_weight.shape[3]
    ca = c * a
    groups_c_a_o = groups * c * a * o
    # (19) hvp_x[n,g,c,w] = sum[f,a,o](delta[stride*o + dilation*a - padding,w] * grad_output[n,g,f,o] *
    #     tangent_weight[g,f,c,a])
    grid = (
        (n, groups, c, o),
        (1, 1, 1, stride),
        (0, 0, 0, -padding),
        ((3, a, dilation),),
    )
    hvp_x = np.zeros((n, groups, c, w), np.result_type(grad_output, tangent_weight))
    matrix = tangent_weight.swapaxes(1, 2).swapaxes(2, 3).reshape(groups, ca, f)
    factors = grad_output.reshape(n, groups, f, o)
    found = overlaps(hvp_x.shape, *grid)
    for rows in blocks((n, groups_c_a_o)):
        part = hvp_x[rows]
        columns = (matrix @ factors[rows]).reshape(len(part), groups, c, a, o).transpose(3, 0, 1, 2, 4)
        for tap, to, of in found:
            part[to] += columns[tap][of]
    # (21) hvp_weight[g,f,c,a] = sum[n,o](grad_output[n,g,f,o] * tangent_x[n,g,c,stride*o + dilation*a - padding])
    factors = grad_output.reshape(n, groups, f, o)
    columns = windows(tangent_x, *grid).transpose(1, 2, 3, 0, 4)
    hvp_weight = np.zeros((groups, f, ca), np.result_type(tangent_x, grad_output))
    for rows in blocks((n, groups_c_a_o)):
        part = columns[rows]
        part = part.reshape(len(part), groups, ca, o)
        hvp_weight += (factors[rows] @ part.swapaxes(-1, -2)).sum(axis=0)
    hvp_weight = hvp_weight.reshape(groups, f, c, a)
    # (22) hvp_bias[g,f] = 0
    hvp_bias = np.zeros_like(tangent_bias)
    return pack(hvp_x, 1), pack(hvp_weight, 0), pack(hvp_bias, 0)
