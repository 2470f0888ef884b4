"""Convolution over two axes, as torch has it (a cross-correlation: the kernel is not flipped)."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.operation import Packed, Parameter
from gradlab.symbolic.definition import Definition, given, let

N, C, H, W, F, A, B, O, Q = symbols("N C H W F A B O Q", integer=True)
stride_h, padding_h, dilation_h = symbols("stride_h padding_h dilation_h", integer=True)
stride_w, padding_w, dilation_w = symbols("stride_w padding_w dilation_w", integer=True)
groups = symbols("groups", integer=True)
n, g, c, h, w, f, a, b, o, q = map(Idx, "ngchwfaboq", (N, groups, C, H, W, F, A, B, O, Q))
x, weight, bias, z, y = map(IndexedBase, ("x", "weight", "bias", "z", "y"))

window = x[n, g, c, stride_h * o + dilation_h * a - padding_h, stride_w * q + dilation_w * b - padding_w]

conv2d = Definition(
    name="conv2d",
    summary="2-D convolution with bias: windows of x, zeros outside it, times the kernel.",
    inputs=[given(x[n, g, c, h, w]), given(weight[g, f, c, a, b]), given(bias[g, f])],
    lets=[
        let(z[n, g, f, o, q], Sum(window * weight[g, f, c, a, b], c, a, b)),
        let(y[n, g, f, o, q], z[n, g, f, o, q] + bias[g, f]),
    ],
    output=y[n, g, f, o, q],
    packed=Packed("co", "groups", "f", also=(("ci", "c"),)),
    parameters=[
        *(Parameter(name, 1, 1, 3, integer=True) for name in ("stride_h", "stride_w")),
        *(Parameter(name, 0, 0, 2, integer=True) for name in ("padding_h", "padding_w")),
        *(Parameter(name, 1, 1, 2, integer=True) for name in ("dilation_h", "dilation_w")),
        Parameter("groups", 1, 1, 3, integer=True),
    ],
    nonempty=[C, H, W, F, A, B],
    reference=(
        "torch.nn.functional.conv2d(x, weight, bias, (stride_h, stride_w), (padding_h, padding_w), "
        "(dilation_h, dilation_w), groups)"
    ),
)
