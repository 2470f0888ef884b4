"""Division by the Euclidean norm along an axis."""

from sympy import Idx, IndexedBase, Max, Sum, sqrt, symbols

from gradlab.operation import Along, Parameter
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, square, floored, inv_norm, y = map(IndexedBase, ("x", "square", "floored", "inv_norm", "y"))
eps = symbols("eps", positive=True)

l2_normalize = Definition(
    name="l2_normalize",
    summary="x / max(norm(x), eps) along an axis; the gradient at the zero vector is grad_output / eps.",
    inputs=[given(x[n, d])],
    lets=[
        let(square[n], Sum(x[n, d] ** 2, d)),
        # max(norm, eps) squared: its root has a derivative everywhere, which the norm itself has not at 0.
        let(floored[n], Max(square[n] - eps**2, 0) + eps**2),
        let(inv_norm[n], 1 / sqrt(floored[n])),
        let(y[n, d], x[n, d] * inv_norm[n]),
    ],
    output=y[n, d],
    leading=N,
    along=Along("d"),
    parameters=[Parameter("eps", 1e-12, 1e-12, 1e-1)],
    reference="torch.nn.functional.normalize(x, dim=axis, eps=eps)",
)
