"""conv2d: 2-D convolution with bias: windows of x, zeros outside it, times the kernel.

Generated from derivations/conv2d.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 6a27cb26098ff1ac. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive conv2d --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.blocks import blocks
from gradlab.kernels.windows import overlaps, windows
from gradlab.operation import Argument, Extent, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="conv2d",
    summary="2-D convolution with bias: windows of x, zeros outside it, times the kernel.",
    signature=Signature.parse("(n,c,h,w),(f,c,a,b),(f)->(n,f,o,q)"),
    arguments=(
        Argument("x", real()),
        Argument("weight", real()),
        Argument("bias", real()),
    ),
    saved=("x", "weight"),
    reference="torch.nn.functional.conv2d(x, weight, bias, stride=stride, padding=padding, dilation=dilation)",
    digest="6a27cb26098ff1ac",
    parameters=(
        Parameter("stride", 1, 1, 3, integer=True),
        Parameter("padding", 0, 0, 2, integer=True),
        Parameter("dilation", 1, 1, 2, integer=True),
    ),
    extents=(
        Extent("o", "(h + 2 * padding - dilation * (a - 1) - 1) // stride + 1"),
        Extent("q", "(w + 2 * padding - dilation * (b - 1) - 1) // stride + 1"),
    ),
    nonempty=("c", "h", "w", "f", "a", "b"),
    output="y",
    curved=("x", "weight"),
)


def forward(
    x: Array, weight: Array, bias: Array, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,c,h,w),(f,c,a,b),(f)->(n,f,o,q).

    The second result is what `backward` needs: x, weight, stride, padding, dilation.
    """
    n, c, h, w = x.shape
    f, _, a, b = weight.shape
    o = (h + 2 * padding - dilation * (a - 1) - 1) // stride + 1
    q = (w + 2 * padding - dilation * (b - 1) - 1) // stride + 1
    oq = o * q
    cab = c * a * b
    caboq = c * a * b * o * q
    foq = f * o * q
    if o < 1 or q < 1:
        found = f"no window fits: o = {o}, q = {q}"
        raise ValueError(f"{found}; pad the input, or use a smaller window")
    # (1) z[n,f,o,q] = sum[c,a,b](weight[f,c,a,b] * x[n,c,stride*o + dilation*a - padding,stride*q + dilation*b -
    #     padding])
    grid = (n, c, o, q), (1, 1, stride, stride), (0, 0, -padding, -padding), ((2, a, dilation), (3, b, dilation))
    matrix = weight.reshape(f, cab)
    columns = windows(x, *grid).transpose(2, 3, 0, 1, 4, 5)
    z = np.empty((n, f, oq), np.result_type(x, weight))
    for rows in blocks((n, caboq)):
        part = columns[rows]
        part = part.reshape(len(part), cab, oq)
        np.matmul(matrix, part, out=z[rows])
    z = z.reshape(n, f, o, q)
    # (2) y[n,f,o,q] = z[n,f,o,q] + bias[f]
    y = np.add(z.reshape(n, foq), np.repeat(bias, oq), out=z.reshape(n, foq))
    return y.reshape(n, f, o, q), (x, weight, stride, padding, dilation)


def backward(
    grad_output: Array, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, weight, stride, padding, dilation = saved
    n, f, o, q = grad_output.shape
    _, c, h, w = x.shape
    _, _, a, b = weight.shape
    cab = c * a * b
    oq = o * q
    caboq = c * a * b * o * q
    grad_weight: Array | None = None
    grad_bias: Array | None = None
    if needs[1]:
        # (6) grad_x[n,c,h,w] = sum[f,a,b,o,q](delta[stride*o + dilation*a - padding,h] * delta[stride*q + dilation*b -
        #     padding,w] * grad_output[n,f,o,q] * weight[f,c,a,b])
        grid = (n, c, o, q), (1, 1, stride, stride), (0, 0, -padding, -padding), ((2, a, dilation), (3, b, dilation))
    grad_x = np.zeros((n, c, h, w), np.result_type(grad_output, weight))
    if needs[1]:
        matrix = weight.transpose(1, 2, 3, 0).reshape(cab, f)
        factors = grad_output.reshape(n, f, oq)
        found = overlaps(grad_x.shape, *grid)
        for rows in blocks((n, caboq)):
            part = grad_x[rows]
            columns = (matrix @ factors[rows]).reshape(len(part), c, a, b, o, q).transpose(2, 3, 0, 1, 4, 5)
            for tap, to, of in found:
                part[to] += columns[tap][of]
        # (8) grad_weight[f,c,a,b] = sum[n,o,q](grad_output[n,f,o,q] * x[n,c,stride*o + dilation*a - padding,stride*q +
        #     dilation*b - padding])
        factors = grad_output.reshape(n, f, oq)
        columns = windows(x, *grid).transpose(2, 3, 0, 1, 4, 5)
        grad_weight = np.zeros((f, cab), np.result_type(x, grad_output))
        for rows in blocks((n, caboq)):
            part = columns[rows]
            part = part.reshape(len(part), cab, oq)
            grad_weight += (factors[rows] @ part.swapaxes(-1, -2)).sum(axis=0)
        grad_weight = grad_weight.reshape(f, c, a, b)
    if needs[2]:
        # (10) grad_bias[f] = sum[n,o,q](grad_output[n,f,o,q])
        grad_bias = np.einsum("ncm->c", grad_output.reshape(n, f, oq))
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Any, ...], tangent_x: Array, tangent_weight: Array, tangent_bias: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight, stride, padding, dilation = saved
    n, c, h, w = tangent_x.shape
    f, _, a, b = tangent_weight.shape
    o = (h + 2 * padding - dilation * (a - 1) - 1) // stride + 1
    q = (w + 2 * padding - dilation * (b - 1) - 1) // stride + 1
    oq = o * q
    cab = c * a * b
    caboq = c * a * b * o * q
    # (14) tangent_y[n,f,o,q] = tangent_bias[f] + sum[c,a,b](tangent_weight[f,c,a,b] * x[n,c,stride*o + dilation*a -
    #     padding,stride*q + dilation*b - padding]) + sum[c,a,b](tangent_x[n,c,stride*o + dilation*a -
    #     padding,stride*q + dilation*b - padding] * weight[f,c,a,b])
    grid = (n, c, o, q), (1, 1, stride, stride), (0, 0, -padding, -padding), ((2, a, dilation), (3, b, dilation))
    matrix = tangent_weight.reshape(f, cab)
    columns = windows(x, *grid).transpose(2, 3, 0, 1, 4, 5)
    dot_x_tangent_weight = np.empty((n, f, oq), np.result_type(x, tangent_weight))
    for rows in blocks((n, caboq)):
        part = columns[rows]
        part = part.reshape(len(part), cab, oq)
        np.matmul(matrix, part, out=dot_x_tangent_weight[rows])
    dot_x_tangent_weight = dot_x_tangent_weight.reshape(n, f, o, q)
    matrix = weight.reshape(f, cab)
    columns = windows(tangent_x, *grid).transpose(2, 3, 0, 1, 4, 5)
    dot_tangent_x_weight = np.empty((n, f, oq), np.result_type(tangent_x, weight))
    for rows in blocks((n, caboq)):
        part = columns[rows]
        part = part.reshape(len(part), cab, oq)
        np.matmul(matrix, part, out=dot_tangent_x_weight[rows])
    dot_tangent_x_weight = dot_tangent_x_weight.reshape(n, f, o, q)
    tangent_y = dot_tangent_x_weight + dot_x_tangent_weight
    tangent_y += tangent_bias[:, None, None]
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_x: Array, tangent_weight: Array, tangent_bias: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _x, _weight, stride, padding, dilation = saved
    n, f, o, q = grad_output.shape
    _, c, h, w = tangent_x.shape
    _, _, a, b = tangent_weight.shape
    cab = c * a * b
    oq = o * q
    caboq = c * a * b * o * q
    # (19) hvp_x[n,c,h,w] = sum[f,a,b,o,q](delta[stride*o + dilation*a - padding,h] * delta[stride*q + dilation*b -
    #     padding,w] * grad_output[n,f,o,q] * tangent_weight[f,c,a,b])
    grid = (n, c, o, q), (1, 1, stride, stride), (0, 0, -padding, -padding), ((2, a, dilation), (3, b, dilation))
    hvp_x = np.zeros((n, c, h, w), np.result_type(grad_output, tangent_weight))
    matrix = tangent_weight.transpose(1, 2, 3, 0).reshape(cab, f)
    factors = grad_output.reshape(n, f, oq)
    found = overlaps(hvp_x.shape, *grid)
    for rows in blocks((n, caboq)):
        part = hvp_x[rows]
        columns = (matrix @ factors[rows]).reshape(len(part), c, a, b, o, q).transpose(2, 3, 0, 1, 4, 5)
        for tap, to, of in found:
            part[to] += columns[tap][of]
    # (21) hvp_weight[f,c,a,b] = sum[n,o,q](grad_output[n,f,o,q] * tangent_x[n,c,stride*o + dilation*a -
    #     padding,stride*q + dilation*b - padding])
    factors = grad_output.reshape(n, f, oq)
    columns = windows(tangent_x, *grid).transpose(2, 3, 0, 1, 4, 5)
    hvp_weight = np.zeros((f, cab), np.result_type(tangent_x, grad_output))
    for rows in blocks((n, caboq)):
        part = columns[rows]
        part = part.reshape(len(part), cab, oq)
        hvp_weight += (factors[rows] @ part.swapaxes(-1, -2)).sum(axis=0)
    hvp_weight = hvp_weight.reshape(f, c, a, b)
    # (22) hvp_bias[f] = 0
    hvp_bias = np.zeros_like(tangent_bias)
    return hvp_x, hvp_weight, hvp_bias
