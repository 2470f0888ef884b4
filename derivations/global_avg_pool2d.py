"""The mean over both axes of each channel."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.symbolic.definition import Definition, given, let

N, C, H, W = symbols("N C H W", integer=True)
n, c, h, w = map(Idx, "nchw", (N, C, H, W))
x, y = map(IndexedBase, "xy")

global_avg_pool2d = Definition(
    name="global_avg_pool2d",
    summary="The mean of each channel over h and w, as what a classifier reads.",
    inputs=[given(x[n, c, h, w])],
    lets=[let(y[n, c], Sum(x[n, c, h, w], h, w) / (H * W))],
    output=y[n, c],
    nonempty=[H, W],
    reference="x.mean(dim=(2, 3))",
)
