"""The multi-class hinge loss: the margin that the label's score has over every other one."""

from sympy import Idx, IndexedBase, Max, Sum, symbols

from gradlab.operation import Parameter, labels
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, label, picked, short, violated, row = map(IndexedBase, ("x", "label", "picked", "short", "violated", "row"))
margin, loss = symbols("margin loss")

multi_margin = Definition(
    name="multi_margin",
    summary="Multi-class hinge loss: max(0, margin - x[label] + x[d]) over the other classes d, averaged.",
    inputs=[given(x[n, d]), given(label[n], labels("d"))],
    lets=[
        let(picked[n], x[n, label[n]]),
        let(short[n, d], x[n, d] - picked[n] + margin),
        let(violated[n, d], Max(short[n, d], 0)),
        # At the label itself the entry is the margin, exactly: it is taken out of the row again.
        let(row[n], Sum(violated[n, d], d) - margin),
        let(loss, Sum(row[n], n) / (N * D)),
    ],
    output=loss,
    parameters=[Parameter("margin", 1.0, 0.0, 2.0)],
    reference="torch.nn.functional.multi_margin_loss(x, label, margin=margin)",
)
