"""Convolution over one axis, as torch has it (a cross-correlation: the kernel is not flipped)."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.operation import Packed, Parameter
from gradlab.symbolic.definition import Definition, given, let

N, C, W, F, A, O = symbols("N C W F A O", integer=True)
stride, padding, dilation, groups = symbols("stride padding dilation groups", integer=True)
n, g, c, w, f, a, o = map(Idx, "ngcwfao", (N, groups, C, W, F, A, O))
x, weight, bias, z, y = map(IndexedBase, ("x", "weight", "bias", "z", "y"))

conv1d = Definition(
    name="conv1d",
    summary="1-D convolution with bias: windows of x, zeros outside it, times the kernel.",
    inputs=[given(x[n, g, c, w]), given(weight[g, f, c, a]), given(bias[g, f])],
    lets=[
        let(z[n, g, f, o], Sum(x[n, g, c, stride * o + dilation * a - padding] * weight[g, f, c, a], c, a)),
        let(y[n, g, f, o], z[n, g, f, o] + bias[g, f]),
    ],
    output=y[n, g, f, o],
    packed=Packed("co", "groups", "f", also=(("ci", "c"),)),
    parameters=[
        Parameter("stride", 1, 1, 3, integer=True),
        Parameter("padding", 0, 0, 2, integer=True),
        Parameter("dilation", 1, 1, 2, integer=True),
        Parameter("groups", 1, 1, 3, integer=True),
    ],
    nonempty=[C, W, F, A],
    reference="torch.nn.functional.conv1d(x, weight, bias, stride, padding, dilation, groups)",
)
