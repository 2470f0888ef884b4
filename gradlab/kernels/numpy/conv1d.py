"""conv1d: 1-D convolution with bias: windows of x, zeros outside it, times the kernel.

Generated from derivations/conv1d.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 06f8ca3612ecfece. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive conv1d --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.blocks import blocks
from gradlab.kernels.windows import overlaps, windows
from gradlab.operation import Argument, Extent, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="conv1d",
    summary="1-D convolution with bias: windows of x, zeros outside it, times the kernel.",
    signature=Signature.parse("(n,c,w),(f,c,a),(f)->(n,f,o)"),
    arguments=(
        Argument("x", real()),
        Argument("weight", real()),
        Argument("bias", real()),
    ),
    saved=("x", "weight"),
    reference="torch.nn.functional.conv1d(x, weight, bias, stride=stride, padding=padding, dilation=dilation)",
    digest="06f8ca3612ecfece",
    parameters=(
        Parameter("stride", 1, 1, 3, integer=True),
        Parameter("padding", 0, 0, 2, integer=True),
        Parameter("dilation", 1, 1, 2, integer=True),
    ),
    extents=(Extent("o", "(w + 2 * padding - dilation * (a - 1) - 1) // stride + 1"),),
    nonempty=("c", "f", "a"),
)


def forward(
    x: Array, weight: Array, bias: Array, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,c,w),(f,c,a),(f)->(n,f,o), and what `backward` needs.

    That is x, weight, stride, padding, dilation.
    """
    n, c, w = x.shape
    f, _, a = weight.shape
    o = (w + 2 * padding - dilation * (a - 1) - 1) // stride + 1
    ca = c * a
    cao = c * a * o
    fo = f * o
    if o < 1:
        found = f"no window fits: o = {o}"
        raise ValueError(f"{found}; pad the input, or use a smaller window")
    # (1) z[n,f,o] = sum[c,a](weight[f,c,a] * x[n,c,stride*o + dilation*a - padding])
    grid = (n, c, o), (1, 1, stride), (0, 0, -padding), ((2, a, dilation),)
    matrix = weight.reshape(f, ca)
    columns = windows(x, *grid).transpose(1, 2, 0, 3)
    z = np.empty((n, f, o), np.result_type(x, weight))
    for rows in blocks((n, cao)):
        part = columns[rows]
        part = part.reshape(len(part), ca, o)
        np.matmul(matrix, part, out=z[rows])
    z = z.reshape(n, f, o)
    # (2) y[n,f,o] = z[n,f,o] + bias[f]
    y = np.add(z.reshape(n, fo), np.repeat(bias, o), out=z.reshape(n, fo))
    return y.reshape(n, f, o), (x, weight, stride, padding, dilation)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    x, weight, stride, padding, dilation = saved
    n, f, o = grad_output.shape
    _, c, w = x.shape
    a = weight.shape[2]
    ca = c * a
    cao = c * a * o
    # (6) grad_x[n,c,w] = sum[f,a,o](delta[stride*o + dilation*a - padding,w] * grad_output[n,f,o] * weight[f,c,a])
    grid = (n, c, o), (1, 1, stride), (0, 0, -padding), ((2, a, dilation),)
    grad_x = np.zeros((n, c, w), np.result_type(grad_output, weight))
    matrix = weight.transpose(1, 2, 0).reshape(ca, f)
    factors = grad_output.reshape(n, f, o)
    found = overlaps(grad_x.shape, *grid)
    for rows in blocks((n, cao)):
        part = grad_x[rows]
        columns = (matrix @ factors[rows]).reshape(len(part), c, a, o).transpose(2, 0, 1, 3)
        for tap, to, of in found:
            part[to] += columns[tap][of]
    # (8) grad_weight[f,c,a] = sum[n,o](grad_output[n,f,o] * x[n,c,stride*o + dilation*a - padding])
    factors = grad_output.reshape(n, f, o)
    columns = windows(x, *grid).transpose(1, 2, 0, 3)
    grad_weight = np.zeros((f, ca), np.result_type(x, grad_output))
    for rows in blocks((n, cao)):
        part = columns[rows]
        part = part.reshape(len(part), ca, o)
        grad_weight += (factors[rows] @ part.swapaxes(-1, -2)).sum(axis=0)
    grad_weight = grad_weight.reshape(f, c, a)
    # (10) grad_bias[f] = sum[n,o](grad_output[n,f,o])
    grad_bias = np.einsum("ncm->c", grad_output.reshape(n, f, o))
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Any, ...], tangent_x: Array, tangent_weight: Array, tangent_bias: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight, stride, padding, dilation = saved
    n, c, w = tangent_x.shape
    f, _, a = tangent_weight.shape
    o = (w + 2 * padding - dilation * (a - 1) - 1) // stride + 1
    ca = c * a
    cao = c * a * o
    fo = f * o
    # (14) tangent_y[n,f,o] = tangent_bias[f] + sum[c,a](tangent_weight[f,c,a] * x[n,c,stride*o + dilation*a -
    #     padding]) + sum[c,a](tangent_x[n,c,stride*o + dilation*a - padding] * weight[f,c,a])
    grid = (n, c, o), (1, 1, stride), (0, 0, -padding), ((2, a, dilation),)
    matrix = tangent_weight.reshape(f, ca)
    columns = windows(x, *grid).transpose(1, 2, 0, 3)
    dot_x_tangent_weight = np.empty((n, f, o), np.result_type(x, tangent_weight))
    for rows in blocks((n, cao)):
        part = columns[rows]
        part = part.reshape(len(part), ca, o)
        np.matmul(matrix, part, out=dot_x_tangent_weight[rows])
    dot_x_tangent_weight = dot_x_tangent_weight.reshape(n, f, o)
    matrix = weight.reshape(f, ca)
    columns = windows(tangent_x, *grid).transpose(1, 2, 0, 3)
    dot_tangent_x_weight = np.empty((n, f, o), np.result_type(tangent_x, weight))
    for rows in blocks((n, cao)):
        part = columns[rows]
        part = part.reshape(len(part), ca, o)
        np.matmul(matrix, part, out=dot_tangent_x_weight[rows])
    dot_tangent_x_weight = dot_tangent_x_weight.reshape(n, f, o)
    tangent_y = dot_tangent_x_weight + dot_x_tangent_weight
    tangent_y = tangent_y.reshape(n, fo)
    tangent_y += np.repeat(tangent_bias, o)
    return tangent_y.reshape(n, f, o)
