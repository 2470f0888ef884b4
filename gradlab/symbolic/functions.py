"""The elementary functions: one row each, with the derivative as an expression and the code. A new function is a row.

Beside it stand its value in `rings/digits.py` and its slope in `rings/dual.py`, written a second time to check the one
here; `rings/prime_field.py` needs one only where the function has a law, as exp(a + b) = exp(a) exp(b).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from gradlab.symbolic import special
from gradlab.symbolic.terms import Expr, Function, Indicator, Term

Arguments = tuple[sp.Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elementary:
    """A function of one monomial u: its SymPy form and back, its derivative, what is known of it, how it is written.

    Further operands, as the bounds of clip(u, low, high), are constants: numbers and parameters. `numpy`, `torch` and
    `number` (a Python number) are templates over the operands; `numpy` has `{out}` where a buffer can be named. `text`
    and `latex` are how formulas show it, by default as a call.
    """

    name: str
    to_sympy: Callable[..., sp.Expr]
    arguments: Callable[[sp.Expr], Arguments | None]
    """The operands of a call of this function; None for any other expression."""
    derivative: Callable[..., Expr]
    numpy: str
    torch: str
    number: str
    text: str = ""
    latex: str = ""
    non_negative: bool = False
    at_zero: Fraction | None = None
    """The value at 0 where it is rational and a formula gains by it."""
    mask: Callable[..., Indicator] | None = None
    """For a function that is linear in pieces: the indicator that its derivative is made of."""
    where_mask: Callable[..., Term] | None = None
    """What the function is where that indicator is 1, if a formula gains by it."""


def calls(function: type[sp.Expr], count: int = 1) -> Callable[[sp.Expr], Arguments | None]:
    """Recognise a call of a SymPy function of `count` operands."""
    return lambda expression: (
        tuple(expression.args) if isinstance(expression, function) and len(expression.args) == count else None
    )


def _with_zero(function: type[sp.Expr]) -> Callable[[sp.Expr], Arguments | None]:
    """Recognise Max(u, 0) and Min(u, 0)."""

    def recognised(expression: sp.Expr) -> Arguments | None:
        if isinstance(expression, function) and len(expression.args) == 2 and sp.S.Zero in expression.args:
            return tuple(argument for argument in expression.args if argument is not sp.S.Zero)
        return None

    return recognised


def _power(expression: sp.Expr) -> Arguments | None:
    """Recognise a power whose exponent is a parameter."""
    symbolic = isinstance(expression, sp.Pow) and isinstance(expression.exp, sp.Symbol)
    return tuple(expression.args) if symbolic and not expression.exp.is_integer else None


def _of(name: str, u: Term, *others: Term) -> Expr:
    return Expr.atom(Function(name, u, others))


def _one_minus(value: Expr) -> Expr:
    return Expr.number(1) + value.scaled(Fraction(-1))


def _times(u: Term, value: Expr) -> Expr:
    return Expr.of([u]) * value


_ROWS = (
    Elementary(
        name="exp",
        to_sympy=sp.exp,
        arguments=calls(sp.exp),
        derivative=lambda u: _of("exp", u),
        numpy="np.exp({0}{out})",
        torch="torch.exp({0})",
        number="math.exp({0})",
        latex=r"\exp({0})",
        non_negative=True,
        at_zero=Fraction(1),
    ),
    Elementary(
        name="expm1",
        to_sympy=special.expm1,
        arguments=calls(special.expm1),
        derivative=lambda u: _of("exp", u),
        numpy="np.expm1({0}{out})",
        torch="torch.expm1({0})",
        number="math.expm1({0})",
        at_zero=Fraction(0),
    ),
    Elementary(
        name="log",
        to_sympy=sp.log,
        arguments=calls(sp.log),
        derivative=lambda u: Expr.of([u.power(Fraction(-1))]),
        numpy="np.log({0}{out})",
        torch="torch.log({0})",
        number="math.log({0})",
        latex=r"\log({0})",
    ),
    Elementary(
        name="tanh",
        to_sympy=sp.tanh,
        arguments=calls(sp.tanh),
        derivative=lambda u: _one_minus(Expr.atom(Function("tanh", u), 2)),
        numpy="np.tanh({0}{out})",
        torch="torch.tanh({0})",
        number="math.tanh({0})",
        latex=r"\tanh({0})",
    ),
    Elementary(
        name="sigmoid",
        to_sympy=special.sigmoid,
        arguments=calls(special.sigmoid),
        derivative=lambda u: _of("sigmoid", u) + Expr.atom(Function("sigmoid", u), 2).scaled(Fraction(-1)),
        numpy="special.sigmoid({0}{out})",
        torch="torch.sigmoid({0})",
        number="math.tanh({0} / 2) / 2 + 0.5",
        latex=r"\sigma({0})",
        non_negative=True,
    ),
    Elementary(
        name="softplus",
        to_sympy=special.softplus,
        arguments=calls(special.softplus),
        derivative=lambda u: _of("sigmoid", u),
        numpy="special.softplus({0}{out})",
        # Above the threshold torch returns u itself: at 40, exp(-u) is below the last digit of float64.
        torch="torch.nn.functional.softplus({0}, threshold=40.0)",
        number="max({0}, 0.0) + math.log1p(math.exp(-abs({0})))",
        non_negative=True,
    ),
    Elementary(
        name="normal_cdf",
        to_sympy=special.normal_cdf,
        arguments=calls(special.normal_cdf),
        derivative=lambda u: _of("normal_pdf", u),
        numpy="special.normal_cdf({0}{out})",
        # torch.special.ndtr rounds 1 + erf: from -6 on it is 0 in float32.
        torch="torch.erfc({0} * -math.sqrt(0.5)) * 0.5",
        number="math.erfc(-{0} / math.sqrt(2)) / 2",
        latex=r"\Phi({0})",
        non_negative=True,
    ),
    Elementary(
        name="normal_pdf",
        to_sympy=special.normal_pdf,
        arguments=calls(special.normal_pdf),
        derivative=lambda u: _times(u, _of("normal_pdf", u)).scaled(Fraction(-1)),
        numpy="special.normal_pdf({0}{out})",
        torch="torch.exp(-0.5 * {0} * {0}) * (1 / math.sqrt(2 * math.pi))",
        number="math.exp(-0.5 * {0} * {0}) / math.sqrt(2 * math.pi)",
        latex=r"\varphi({0})",
        non_negative=True,
    ),
    Elementary(
        name="sin",
        to_sympy=sp.sin,
        arguments=calls(sp.sin),
        derivative=lambda u: _of("cos", u),
        numpy="np.sin({0}{out})",
        torch="torch.sin({0})",
        number="math.sin({0})",
        latex=r"\sin({0})",
    ),
    Elementary(
        name="cos",
        to_sympy=sp.cos,
        arguments=calls(sp.cos),
        derivative=lambda u: _of("sin", u).scaled(Fraction(-1)),
        numpy="np.cos({0}{out})",
        torch="torch.cos({0})",
        number="math.cos({0})",
        latex=r"\cos({0})",
    ),
    Elementary(
        name="log1p",
        to_sympy=special.log1p,
        arguments=calls(special.log1p),
        # exp(-log1p(u)) for 1 / (1 + u), which is no monomial.
        derivative=lambda u: _of("exp", Term.make(Fraction(-1), [(Function("log1p", u), Fraction(1))])),
        numpy="np.log1p({0}{out})",
        torch="torch.log1p({0})",
        number="math.log1p({0})",
    ),
    # A root of a sum of squares has a kink at 0, where any slope between both sides will do: 0, as torch.std has it.
    Elementary(
        name="safe_sqrt",
        to_sympy=special.safe_sqrt,
        arguments=calls(special.safe_sqrt),
        derivative=lambda u: _of("safe_rsqrt", u).scaled(Fraction(1, 2)),
        numpy="np.sqrt({0}{out})",
        torch="torch.sqrt({0})",
        number="math.sqrt({0})",
        text="sqrt({0})",
        latex=r"\sqrt{{{0}}}",
        non_negative=True,
    ),
    Elementary(
        name="safe_rsqrt",
        to_sympy=special.safe_rsqrt,
        arguments=calls(special.safe_rsqrt),
        derivative=lambda u: Expr.atom(Function("safe_rsqrt", u), 3).scaled(Fraction(-1, 2)),
        numpy="special.safe_rsqrt({0}{out})",
        torch="torch.where({0} > 0, torch.rsqrt({0}), 0)",
        number="1 / math.sqrt({0}) if {0} > 0 else 0.0",
        non_negative=True,
    ),
    # The slope of |u| at 0 is sign(0) = 0, as in torch.
    Elementary(
        name="abs",
        to_sympy=sp.Abs,
        arguments=calls(sp.Abs),
        derivative=lambda u: _of("sign", u),
        numpy="np.abs({0}{out})",
        torch="torch.abs({0})",
        number="abs({0})",
        text="|{0}|",
        latex=r"|{0}|",
        non_negative=True,
    ),
    Elementary(
        name="sign",
        to_sympy=sp.sign,
        arguments=calls(sp.sign),
        derivative=lambda u: Expr(),
        numpy="np.sign({0}{out})",
        torch="torch.sign({0})",
        number="float({0} > 0) - float({0} < 0)",
    ),
    # max(u, 0) has a kink at 0; the slope declared there is 0, as in torch (SymPy's own would be 1/2).
    Elementary(
        name="positive_part",
        to_sympy=lambda u: sp.Max(u, 0),
        arguments=_with_zero(sp.Max),
        derivative=lambda u: Expr.atom(Indicator(u)),
        numpy="np.maximum({0}, 0{out})",
        torch="torch.clamp({0}, min=0)",
        number="max({0}, 0)",
        text="max({0}, 0)",
        latex=r"\max({0}, 0)",
        non_negative=True,
        mask=Indicator,
    ),
    # max(u, 0) + min(u, 0) = u, at 0 too: there the slope of min(u, 0) is 1.
    Elementary(
        name="negative_part",
        to_sympy=lambda u: sp.Min(u, 0),
        arguments=_with_zero(sp.Min),
        derivative=lambda u: _one_minus(Expr.atom(Indicator(u))),
        numpy="np.minimum({0}, 0{out})",
        torch="torch.clamp({0}, max=0)",
        number="min({0}, 0)",
        text="min({0}, 0)",
        latex=r"\min({0}, 0)",
        mask=Indicator,
        where_mask=lambda u: Term(Fraction(0)),
    ),
    *(
        Elementary(
            name=name,
            to_sympy=function,
            arguments=calls(function, 3),
            derivative=lambda u, low, high, closed=closed: Expr.atom(Indicator(u, (low, high), closed)),
            numpy="np.clip({0}, {1}, {2}{out})",
            torch="torch.clamp({0}, {1}, {2})",
            number="min(max({0}, {1}), {2})",
            latex=rf"\operatorname{{{{{name}}}}}({{0}}, {{1}}, {{2}})",
            mask=lambda u, low, high, closed=closed: Indicator(u, (low, high), closed),
            where_mask=lambda u, low, high: u,
        )
        for name, function, closed in (("clamp", special.clamp, True), ("clip", special.clip, False))
    ),
    # u**a for positive u, with a parameter as the exponent.
    Elementary(
        name="power",
        to_sympy=sp.Pow,
        arguments=_power,
        derivative=lambda u, a: Expr.of([a.times(u.power(Fraction(-1)))]) * _of("power", u, a),
        numpy="np.power({0}, {1}{out})",
        torch="torch.pow({0}, {1})",
        number="{0} ** {1}",
        text="{0}**{1}",
        latex=r"{{{0}}}^{{{1}}}",
        non_negative=True,
    ),
)

ELEMENTARY: dict[str, Elementary] = {row.name: row for row in _ROWS}


def recognise(expression: sp.Expr) -> tuple[str, *Arguments] | None:
    """The row and the operands of a SymPy function call; None where no row matches."""
    for row in ELEMENTARY.values():
        found = row.arguments(expression)
        if found is not None:
            return row.name, *found
    return None
