"""Average pooling over windows of two axes; the zeros of the padding count, as torch counts them by default."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.operation import Parameter
from gradlab.symbolic.definition import Definition, given, let

N, C, H, W, O, Q, kernel_size = symbols("N C H W O Q kernel_size", integer=True)
stride, padding = symbols("stride padding", integer=True)
n, c, h, w, o, q = map(Idx, "nchwoq", (N, C, H, W, O, Q))
a, b = Idx("a", kernel_size), Idx("b", kernel_size)
x, y = map(IndexedBase, "xy")

avg_pool2d = Definition(
    name="avg_pool2d",
    summary="Mean over square windows; zeros of the padding count (torch's count_include_pad=True).",
    inputs=[given(x[n, c, h, w])],
    lets=[let(y[n, c, o, q], Sum(x[n, c, stride * o + a - padding, stride * q + b - padding], a, b) / kernel_size**2)],
    output=y[n, c, o, q],
    parameters=[
        Parameter("kernel_size", 2, 1, 3, integer=True),
        Parameter("stride", 2, 1, 3, integer=True),
        Parameter("padding", 0, 0, 1, integer=True),
    ],
    nonempty=[C, H, W],
    reference="torch.nn.functional.avg_pool2d(x, kernel_size, stride, padding)",
)
