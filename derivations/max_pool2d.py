"""Max pooling over windows of two axes; at a tie the first entry of the window, row by row, gets the gradient."""

from sympy import Idx, IndexedBase, symbols

from gradlab.operation import Parameter
from gradlab.symbolic.definition import Definition, argmax, given, let

N, C, H, W, O, Q, kernel_h, kernel_w = symbols("N C H W O Q kernel_h kernel_w", integer=True)
stride_h, padding_h, dilation_h = symbols("stride_h padding_h dilation_h", integer=True)
stride_w, padding_w, dilation_w = symbols("stride_w padding_w dilation_w", integer=True)
n, c, h, w, o, q = map(Idx, "nchwoq", (N, C, H, W, O, Q))
a, b = Idx("a", kernel_h), Idx("b", kernel_w)
x, y, at = map(IndexedBase, ("x", "y", "at"))

window = x[n, c, stride_h * o + dilation_h * a - padding_h, stride_w * q + dilation_w * b - padding_w]

max_pool2d = Definition(
    name="max_pool2d",
    summary="Maximum over windows; what is outside x does not count, at a tie the first entry is taken.",
    inputs=[given(x[n, c, h, w])],
    lets=[let(at[n, c, o, q], argmax(window, a, b)), let(y[n, c, o, q], x[n, c, at[n, c, o, q], at[n, c, o, q]])],
    output=y[n, c, o, q],
    parameters=[
        *(Parameter(name, 2, 2, 3, integer=True) for name in ("kernel_h", "kernel_w")),
        *(Parameter(name, 2, 1, 3, integer=True) for name in ("stride_h", "stride_w")),
        *(Parameter(name, 0, 0, 1, integer=True) for name in ("padding_h", "padding_w")),
        *(Parameter(name, 1, 1, 2, integer=True) for name in ("dilation_h", "dilation_w")),
        Parameter("ceil_mode", 0, 0, 1, integer=True),
    ],
    ceil="ceil_mode",
    reference=(
        "torch.nn.functional.max_pool2d(x, (kernel_h, kernel_w), (stride_h, stride_w), (padding_h, padding_w), "
        "(dilation_h, dilation_w), ceil_mode=ceil_mode > 0)"
    ),
)
