"""Convolution over one axis, as torch has it (a cross-correlation: the kernel is not flipped)."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.operation import Parameter
from gradlab.symbolic.definition import Definition, given, let

N, C, W, F, A, O = symbols("N C W F A O", integer=True)
stride, padding, dilation = symbols("stride padding dilation", integer=True)
n, c, w, f, a, o = map(Idx, "ncwfao", (N, C, W, F, A, O))
x, weight, bias, z, y = map(IndexedBase, ("x", "weight", "bias", "z", "y"))

conv1d = Definition(
    name="conv1d",
    summary="1-D convolution with bias: windows of x, zeros outside it, times the kernel.",
    inputs=[given(x[n, c, w]), given(weight[f, c, a]), given(bias[f])],
    lets=[
        let(z[n, f, o], Sum(x[n, c, stride * o + dilation * a - padding] * weight[f, c, a], c, a)),
        let(y[n, f, o], z[n, f, o] + bias[f]),
    ],
    output=y[n, f, o],
    parameters=[
        Parameter("stride", 1, 1, 3, integer=True),
        Parameter("padding", 0, 0, 2, integer=True),
        Parameter("dilation", 1, 1, 2, integer=True),
    ],
    nonempty=[C, W, F, A],
    reference="torch.nn.functional.conv1d(x, weight, bias, stride=stride, padding=padding, dilation=dilation)",
)
