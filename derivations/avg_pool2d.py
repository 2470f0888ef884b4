"""Average pooling over windows of two axes; the zeros of the padding count, as torch counts them by default."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.operation import Parameter
from gradlab.symbolic.definition import Definition, given, let

N, C, H, W, O, Q, kernel_h, kernel_w = symbols("N C H W O Q kernel_h kernel_w", integer=True)
stride_h, stride_w, padding_h, padding_w = symbols("stride_h stride_w padding_h padding_w", integer=True)
n, c, h, w, o, q = map(Idx, "nchwoq", (N, C, H, W, O, Q))
a, b = Idx("a", kernel_h), Idx("b", kernel_w)
x, y = map(IndexedBase, "xy")

window = x[n, c, stride_h * o + a - padding_h, stride_w * q + b - padding_w]

avg_pool2d = Definition(
    name="avg_pool2d",
    summary="Mean over windows; zeros of the padding count (torch's count_include_pad=True).",
    inputs=[given(x[n, c, h, w])],
    lets=[let(y[n, c, o, q], Sum(window, a, b) / (kernel_h * kernel_w))],
    output=y[n, c, o, q],
    parameters=[
        *(Parameter(name, 2, 1, 3, integer=True) for name in ("kernel_h", "kernel_w", "stride_h", "stride_w")),
        *(Parameter(name, 0, 0, 1, integer=True) for name in ("padding_h", "padding_w")),
    ],
    nonempty=[C, H, W],
    reference="torch.nn.functional.avg_pool2d(x, (kernel_h, kernel_w), (stride_h, stride_w), (padding_h, padding_w))",
)
