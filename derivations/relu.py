"""The rectified linear unit."""

from sympy import Idx, IndexedBase, Max, symbols

from gradlab.operation import Kink
from gradlab.symbolic.definition import Definition, given, let

N = symbols("N", integer=True)
n = Idx("n", N)
x, y = map(IndexedBase, ("x", "y"))

relu = Definition(
    name="relu",
    summary="The rectified linear unit max(x, 0), element by element; its slope at 0 is 0.",
    inputs=[given(x[n])],
    lets=[let(y[n], Max(x[n], 0))],
    output=y[n],
    leading=N,
    kinks=[Kink("x", where="x == 0", derivative=0.0)],
    reference="torch.relu(x)",
)
