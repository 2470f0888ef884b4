"""Activations, element by element: the output has the shape of the input, of any number of dimensions."""

from collections.abc import Sequence

from sympy import Expr, Idx, IndexedBase, Max, Min, Rational, pi, sqrt, symbols, tanh

from gradlab.operation import Kink, Parameter
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.special import clip, expm1, normal_cdf, sigmoid, softplus

N = symbols("N", integer=True)
n = Idx("n", N)
x, y, inner, beta_x = (IndexedBase(name)[n] for name in ("x", "y", "inner", "beta_x"))
alpha, beta, negative_slope, min_val, max_val = symbols("alpha beta negative_slope min_val max_val")


def activation(
    name: str,
    summary: str,
    value: Expr,
    reference: str,
    *,
    before: Sequence[tuple[Expr, Expr]] = (),
    parameters: Sequence[Parameter] = (),
    kinks: Sequence[Kink] = (),
) -> Definition:
    """The definition of y = value, after other bindings."""
    return Definition(
        name=name,
        summary=summary,
        inputs=[given(x)],
        lets=[let(entry, inside) for entry, inside in (*before, (y, value))],
        output=y,
        leading=N,
        parameters=parameters,
        kinks=kinks,
        reference=reference,
    )


leaky_relu = activation(
    "leaky_relu",
    "max(x, 0) + negative_slope * min(x, 0); its slope at 0 is negative_slope.",
    Max(x, 0) + negative_slope * Min(x, 0),
    "torch.nn.functional.leaky_relu(x, negative_slope)",
    parameters=[Parameter("negative_slope", 0.01, -0.5, 2.0)],
    kinks=[Kink("x", where="x == 0", derivative="negative_slope")],
)

elu = activation(
    "elu",
    "The exponential linear unit: x where it is positive, else alpha * (exp(x) - 1); its slope at 0 is alpha.",
    Max(x, 0) + alpha * expm1(Min(x, 0)),
    "torch.nn.functional.elu(x, alpha)",
    parameters=[Parameter("alpha", 1.0, 0.1, 4.0)],
    kinks=[Kink("x", where="x == 0", derivative="alpha")],
)

_SELU_SCALE = Rational("1.0507009873554804934193349852946")
_SELU_ALPHA = Rational("1.6732632423543772848170429916717")

selu = activation(
    "selu",
    "The self-normalising linear unit: scale * elu(x, alpha) with the constants of Klambauer et al., 2017.",
    _SELU_SCALE * Max(x, 0) + _SELU_SCALE * _SELU_ALPHA * expm1(Min(x, 0)),
    "torch.nn.functional.selu(x)",
    kinks=[Kink("x", where="x == 0", derivative=float(_SELU_SCALE * _SELU_ALPHA))],
)

softplus_ = activation(
    "softplus",
    "log(1 + exp(beta * x)) / beta, a smooth max(x, 0).",
    softplus(beta_x) / beta,
    # torch's own softplus is x from beta * x = 20 on, where it is off by 1e-10 of its value.
    "torch.logaddexp(beta * x, torch.zeros_like(x)) / beta",
    before=[(beta_x, beta * x)],
    parameters=[Parameter("beta", 1.0, 0.1, 10.0)],
)

sigmoid_ = activation("sigmoid", "The logistic function 1 / (1 + exp(-x)).", sigmoid(x), "torch.sigmoid(x)")

tanh_ = activation("tanh", "The hyperbolic tangent.", tanh(x), "torch.tanh(x)")

gelu = activation(
    "gelu",
    "The Gaussian error linear unit: x times the cumulative normal distribution at x.",
    x * normal_cdf(x),
    "torch.nn.functional.gelu(x)",
)

gelu_tanh = activation(
    "gelu_tanh",
    "gelu with its approximation by tanh.",
    x / 2 + x * tanh(inner) / 2,
    'torch.nn.functional.gelu(x, approximate="tanh")',
    before=[(inner, sqrt(2 / pi) * x + sqrt(2 / pi) * Rational("0.044715") * x**3)],
)

silu = activation(
    "silu", "The sigmoid linear unit x * sigmoid(x), also called swish.", x * sigmoid(x), "torch.nn.functional.silu(x)"
)

hardtanh = activation(
    "hardtanh",
    "x, kept between min_val and max_val; its slope is 0 at both.",
    clip(x, min_val, max_val),
    "torch.nn.functional.hardtanh(x, min_val, max_val)",
    parameters=[Parameter("min_val", -1.0, -2.0, 0.0), Parameter("max_val", 1.0, 0.5, 2.0)],
    kinks=[
        Kink("x", where="x == min_val", derivative=0.0),
        Kink("x", where="x == max_val", derivative=0.0),
    ],
)
