"""Losses that compare entry by entry arrays of any shape: their means over all entries, and entry by entry."""

from collections.abc import Sequence
from dataclasses import replace

from sympy import Abs, Expr, Idx, IndexedBase, Max, Sum, symbols

from gradlab.operation import Kink, Parameter, positive, real, signs
from gradlab.symbolic.definition import Definition, Input, given, let
from gradlab.symbolic.special import clamp, softplus

N = symbols("N", integer=True)
n = Idx("n", N)
x, t, residual, clipped, y = (IndexedBase(name)[n] for name in ("x", "t", "residual", "clipped", "y"))
weight, pos_weight = (IndexedBase(name)[n] for name in ("weight", "pos_weight"))
loss, beta, delta = symbols("loss beta delta")

DIFFERENCE = (residual, x - t)


def mean_loss(
    name: str,
    summary: str,
    value: Expr,
    reference: str,
    *,
    before: Sequence[tuple[Expr, Expr]] = (DIFFERENCE,),
    others: Sequence[Input] = (),
    parameters: Sequence[Parameter] = (),
    kinks: Sequence[Kink] = (),
) -> Definition:
    """The definition of the mean of a value over all entries."""
    return Definition(
        name=name,
        summary=summary,
        inputs=[given(x), *(others or [given(t)])],
        lets=[*(let(entry, inside) for entry, inside in before), let(loss, Sum(value, n) / N)],
        output=loss,
        leading=N,
        parameters=parameters,
        kinks=kinks,
        reference=reference,
    )


def each(mean: Definition, summary: str, reference: str) -> Definition:
    """The definition of the values that another one takes the mean of."""
    summed = mean.lets[-1].value * N
    lets = [*mean.lets[:-1], let(y, summed.function)]
    return replace(mean, name=f"{mean.name}_each", summary=summary, lets=lets, output=y, reference=reference)


mse = mean_loss("mse", "The mean squared error.", residual**2, "torch.nn.functional.mse_loss(x, t)")

mse_each = each(mse, "Entry by entry the squared error.", "torch.nn.functional.mse_loss(x, t, reduction='none')")

l1 = mean_loss(
    "l1",
    "The mean absolute error; where x equals t its slope is 0.",
    Abs(residual),
    "torch.nn.functional.l1_loss(x, t)",
)

l1_each = each(l1, "Entry by entry the absolute error.", "torch.nn.functional.l1_loss(x, t, reduction='none')")

# With c = clamp(r, -d, d), r**2 / 2 inside the bounds and d (|r| - d / 2) outside are both c (r - c / 2).
huber = mean_loss(
    "huber",
    "Half the squared error up to delta, from there on the straight line that continues it.",
    clipped * residual - clipped**2 / 2,
    "torch.nn.functional.huber_loss(x, t, delta=delta)",
    before=[DIFFERENCE, (clipped, clamp(residual, -delta, delta))],
    parameters=[Parameter("delta", 1.0, 0.25, 4.0)],
)

huber_each = each(
    huber,
    "Entry by entry the Huber loss.",
    "torch.nn.functional.huber_loss(x, t, reduction='none', delta=delta)",
)

smooth_l1 = mean_loss(
    "smooth_l1",
    "The Huber loss with delta = beta, divided by beta: its lines have the slope 1.",
    (clipped * residual - clipped**2 / 2) / beta,
    "torch.nn.functional.smooth_l1_loss(x, t, beta=beta)",
    before=[DIFFERENCE, (clipped, clamp(residual, -beta, beta))],
    parameters=[Parameter("beta", 1.0, 0.25, 4.0)],
)

smooth_l1_each = each(
    smooth_l1,
    "Entry by entry the smooth L1 loss.",
    "torch.nn.functional.smooth_l1_loss(x, t, reduction='none', beta=beta)",
)

binary_cross_entropy_with_logits = mean_loss(
    "binary_cross_entropy_with_logits",
    "The mean binary cross-entropy of sigmoid(x) against targets t between 0 and 1.",
    softplus(x) - t * x,
    "torch.nn.functional.binary_cross_entropy_with_logits(x, t)",
    before=[],
    others=[given(t, real(0, 1))],
)

binary_cross_entropy_with_logits_each = each(
    binary_cross_entropy_with_logits,
    "Entry by entry the cross-entropy of sigmoid(x) and t.",
    "torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction='none')",
)

# Of the weighted one torch's mean is that of its entries: no weight is divided by.
weighted_binary_cross_entropy_each = each(
    mean_loss(
        "weighted_binary_cross_entropy",
        "",
        weight * ((1 - t) * x + (1 + (pos_weight - 1) * t) * softplus(-x)),
        "",
        before=[],
        others=[
            given(t, real(0, 1)),
            given(weight, positive(), differentiable=False),
            given(pos_weight, positive(), differentiable=False),
        ],
    ),
    "Entry by entry the cross-entropy of sigmoid(x) and t, weighted.",
    "torch.nn.functional.binary_cross_entropy_with_logits(x, t, weight, reduction='none', pos_weight=pos_weight)",
)

hinge = mean_loss(
    "hinge",
    "The mean hinge loss max(1 - t * x, 0) for targets of -1 and 1; its slope at the margin is 0.",
    Max(1 - t * x, 0),
    "torch.relu(1 - t * x).mean()",
    before=[],
    others=[given(t, signs())],
)

hinge_each = each(hinge, "Entry by entry the hinge loss max(1 - t * x, 0).", "torch.relu(1 - t * x)")
