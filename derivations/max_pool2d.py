"""Max pooling over windows of two axes; at a tie the first entry of the window, row by row, gets the gradient."""

from sympy import Idx, IndexedBase, symbols

from gradlab.operation import Parameter
from gradlab.symbolic.definition import Definition, argmax, given, let

N, C, H, W, O, Q, kernel_size = symbols("N C H W O Q kernel_size", integer=True)
stride, padding, dilation = symbols("stride padding dilation", integer=True)
n, c, h, w, o, q = map(Idx, "nchwoq", (N, C, H, W, O, Q))
a, b = Idx("a", kernel_size), Idx("b", kernel_size)
x, y, at = map(IndexedBase, ("x", "y", "at"))

window = x[n, c, stride * o + dilation * a - padding, stride * q + dilation * b - padding]

max_pool2d = Definition(
    name="max_pool2d",
    summary="Maximum over square windows; what is outside x does not count, at a tie the first entry is taken.",
    inputs=[given(x[n, c, h, w])],
    lets=[let(at[n, c, o, q], argmax(window, a, b)), let(y[n, c, o, q], x[n, c, at[n, c, o, q], at[n, c, o, q]])],
    output=y[n, c, o, q],
    parameters=[
        Parameter("kernel_size", 2, 2, 3, integer=True),
        Parameter("stride", 2, 1, 3, integer=True),
        Parameter("padding", 0, 0, 1, integer=True),
        Parameter("dilation", 1, 1, 2, integer=True),
    ],
    reference="torch.nn.functional.max_pool2d(x, kernel_size, stride, padding, dilation)",
)
