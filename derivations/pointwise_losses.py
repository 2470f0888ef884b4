"""Losses that compare entry by entry, averaged over all entries of arrays of any shape."""

from collections.abc import Sequence

from sympy import Abs, Expr, Idx, IndexedBase, Max, Sum, symbols

from gradlab.operation import Kink, Parameter, real, signs
from gradlab.symbolic.definition import Definition, Input, given, let
from gradlab.symbolic.special import clamp, softplus

N = symbols("N", integer=True)
n = Idx("n", N)
x, t, residual, clipped, each = (IndexedBase(name)[n] for name in ("x", "t", "residual", "clipped", "each"))
loss, beta, delta = symbols("loss beta delta")

DIFFERENCE = (residual, x - t)


def mean_loss(
    name: str,
    summary: str,
    value: Expr,
    reference: str,
    *,
    before: Sequence[tuple[Expr, Expr]] = (DIFFERENCE,),
    target: Input | None = None,
    parameters: Sequence[Parameter] = (),
    kinks: Sequence[Kink] = (),
) -> Definition:
    """The definition of the mean of a value over all entries."""
    return Definition(
        name=name,
        summary=summary,
        inputs=[given(x), target or given(t)],
        lets=[*(let(entry, inside) for entry, inside in before), let(loss, Sum(value, n) / N)],
        output=loss,
        leading=N,
        parameters=parameters,
        kinks=kinks,
        reference=reference,
    )


mse = mean_loss("mse", "The mean squared error.", residual**2, "torch.nn.functional.mse_loss(x, t)")

l1 = mean_loss(
    "l1",
    "The mean absolute error; where x equals t its slope is 0.",
    Abs(residual),
    "torch.nn.functional.l1_loss(x, t)",
)

# With c = clamp(r, -d, d), r**2 / 2 inside the bounds and d (|r| - d / 2) outside are both c (r - c / 2).
huber = mean_loss(
    "huber",
    "Half the squared error up to delta, from there on the straight line that continues it.",
    clipped * residual - clipped**2 / 2,
    "torch.nn.functional.huber_loss(x, t, delta=delta)",
    before=[DIFFERENCE, (clipped, clamp(residual, -delta, delta))],
    parameters=[Parameter("delta", 1.0, 0.25, 4.0)],
)

smooth_l1 = mean_loss(
    "smooth_l1",
    "The Huber loss with delta = beta, divided by beta: its lines have the slope 1.",
    (clipped * residual - clipped**2 / 2) / beta,
    "torch.nn.functional.smooth_l1_loss(x, t, beta=beta)",
    before=[DIFFERENCE, (clipped, clamp(residual, -beta, beta))],
    parameters=[Parameter("beta", 1.0, 0.25, 4.0)],
)

binary_cross_entropy_with_logits = mean_loss(
    "binary_cross_entropy_with_logits",
    "The mean binary cross-entropy of sigmoid(x) against targets t between 0 and 1.",
    softplus(x) - t * x,
    "torch.nn.functional.binary_cross_entropy_with_logits(x, t)",
    before=[],
    target=given(t, real(0, 1), differentiable=False),
)

hinge = mean_loss(
    "hinge",
    "The mean hinge loss max(1 - t * x, 0) for targets of -1 and 1; its slope at the margin is 0.",
    Max(1 - t * x, 0),
    "torch.relu(1 - t * x).mean()",
    before=[],
    target=given(t, signs()),
)
