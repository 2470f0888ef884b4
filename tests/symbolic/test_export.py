"""The engine's results against SymPy's own derivatives of the written-out definition: exactly, not in digits."""

import itertools
from functools import cache
from typing import Any

import numpy as np
import pytest
import sympy as sp

from gradlab.symbolic.expand import Expansion, expand, symbols
from gradlab.symbolic.export import to_sympy
from gradlab.symbolic.extents import completed
from tests.catalogue import NAMES as EVERY
from tests.catalogue import derivation

# SymPy does not know that clamp(r) is r where its slope is not 0, that sign is odd, or where a product has its kink.
REGIONS = ("huber", "smooth_l1", "hinge", "l1", "huber_each", "smooth_l1_each", "hinge_each", "l1_each")
NAMES = tuple(name for name in EVERY if name not in REGIONS)


# Windows overlap the border, so that some entries are computed from zeros outside the tensor; where formulas are long,
# one row or one batch is enough.
ATTENTION = {"n": 1, "q": 2, "k": 2, "c": 1, "v": 2}
SMALL = {
    "scaled_dot_product_attention": ATTENTION,
    "scaled_dot_product_attention_bias": ATTENTION,
    "scaled_dot_product_attention_mask": ATTENTION,
    "std": {"n": 1, "d": 3},
    "conv1d": {"n": 1, "groups": 2, "c": 1, "w": 3, "f": 1, "a": 2},
    "conv2d": {"n": 1, "groups": 1, "c": 1, "h": 3, "w": 2, "f": 1, "a": 2, "b": 2},
    "avg_pool2d": {"n": 1, "c": 1, "h": 3, "w": 2, "kernel_h": 2, "kernel_w": 2},
    "max_pool2d": {"n": 1, "c": 1, "h": 3, "w": 2, "kernel_h": 2, "kernel_w": 2},
}
PARAMETERS = {"stride": 2, "padding": 1, "dilation": 1, "num_groups": 2, "correction": 1, "ceil_mode": 1}


@cache
def sizes(name: str) -> dict[str, int]:
    """The smallest sizes at which every sum and delta matters, with the integer parameters and what follows of both."""
    program = derivation(name).program
    axes = [axis for axis in program.axes if axis not in program.windows]
    counts = (2, 3) if len(axes) <= 2 else itertools.cycle((2, 2, 1))
    small = SMALL.get(name) or dict(zip((axis.name for axis in axes), counts, strict=False))
    kinds = {parameter: parameter.removesuffix("_h").removesuffix("_w") for parameter in program.integers}
    integers = {parameter: small.get(parameter) or PARAMETERS[kind] for parameter, kind in kinds.items()}
    found = completed(program, {axis: small[axis.name] for axis in axes}, integers)
    return {**{axis.name: count for axis, count in found.items()}, **integers}


@cache
def expansions(name: str) -> tuple[Expansion, ...]:
    """The operation written out; one with a kink is written out once for every pattern of signs of its input."""
    derived = derivation(name)
    if not derived.program.definition.kinks:
        return (expand(derived, sizes(name)),)
    given = derived.program.wrt[0].tensor
    shape = tuple(sizes(name)[index.axis.name] for index in given.indices)
    found = []
    for signs in itertools.product(({"positive": True}, {"negative": True}), repeat=int(np.prod(shape, dtype=int))):
        entries = [symbols(f"{given.name}_{i}", (), **sign)[()] for i, sign in enumerate(signs)]
        found.append(expand(derived, sizes(name), {given.name: np.array(entries, dtype=object).reshape(shape)}))
    return tuple(found)


def is_zero(expression: Any) -> bool:
    """True where an expression is zero exactly: exponentials, logarithms, roots and denominators become generators.

    As polynomials in independent generators most differences vanish already; if not, r**2 = u holds for r = sqrt(u).
    So are the steps [u > 0], with h**2 = h and Max(u, 0) = u h, away from the kink, where SymPy has a DiracDelta.
    Relations that are left out can only make it say "not zero" too often.
    """
    roots: dict[sp.Expr, sp.Symbol] = {}
    others: dict[sp.Expr, sp.Symbol] = {}
    steps: dict[sp.Expr, sp.Symbol] = {}

    def step(argument: sp.Expr) -> sp.Symbol:
        return steps.setdefault(argument, sp.Dummy("h"))

    def branches(*parts: Any) -> sp.Expr:
        if [value for value, _ in parts] == [1, 0] and isinstance(condition := parts[0][1], sp.Gt | sp.Lt):
            return step(condition.gts - condition.lts)
        return sp.Piecewise(*parts)

    def larger(*parts: sp.Expr) -> sp.Expr:
        return sp.Max(*parts) if 0 not in parts or len(parts) != 2 else sum(parts) * step(sum(parts))

    def power(base: sp.Expr, exponent: sp.Expr) -> sp.Expr:
        return roots.setdefault(base, sp.Dummy("r")) ** (2 * exponent)

    def exponential(argument: sp.Expr) -> sp.Expr:
        parts = (part.as_coeff_Mul() for part in sp.Add.make_args(argument))
        return sp.Mul(*(others.setdefault(sp.exp(rest), sp.Dummy("e")) ** number for number, rest in parts))

    expression = sp.sympify(expression)
    expression = expression.replace(sp.DiracDelta, lambda *_: sp.Integer(0)).replace(sp.Max, larger)
    expression = expression.replace(sp.Heaviside, lambda u, _: step(u)).replace(sp.Piecewise, branches)
    expression = expression.replace(sp.exp, exponential)
    expression = expression.replace(sp.log, lambda u: others.setdefault(sp.log(u), sp.Dummy("l")))
    expression = expression.replace(
        lambda e: e.is_Pow and e.base.is_Add and not (e.exp.is_integer and e.exp.is_positive), lambda e: power(*e.args)
    )
    if sp.expand(expression) == 0:
        return True
    numerator, _ = sp.fraction(sp.together(expression))
    for radicand, symbol in roots.items():
        above, below = sp.fraction(sp.together(radicand))
        numerator = sp.rem(sp.expand(numerator), sp.expand(below * symbol**2 - above), symbol)
    for symbol in steps.values():
        numerator = sp.rem(sp.expand(numerator), symbol**2 - symbol, symbol)
    return bool(sp.expand(numerator) == 0)


def weighted(expansion: Expansion) -> sp.Expr:
    """The sum of grad_output * output."""
    return sum(np.ravel(expansion.grad_output * expansion.output))


@pytest.mark.parametrize("name", NAMES)
def test_vjp_is_sympys_derivative(name: str) -> None:
    """Every entry of every gradient is SymPy's derivative of the written-out sum of grad_output * output."""
    for expansion in expansions(name):
        scalar = weighted(expansion)
        for argument, gradient in expansion.gradients.items():
            for entry, found in zip(expansion.inputs[argument].ravel(), gradient.ravel(), strict=True):
                assert is_zero(sp.diff(scalar, entry) - found), (argument, entry)


@pytest.mark.parametrize("name", NAMES)
def test_jacobian_is_sympys_derivative(name: str) -> None:
    """Every entry of every Jacobian is SymPy's derivative of one entry of the output."""
    for expansion in expansions(name):
        for argument, jacobian in expansion.jacobians.items():
            pairs = itertools.product(expansion.output.ravel(), expansion.inputs[argument].ravel())
            for (output, entry), found in zip(pairs, jacobian.ravel(), strict=True):
                assert is_zero(sp.diff(output, entry) - found), (argument, entry)


@pytest.mark.parametrize("name", NAMES)
def test_jvp_is_sympys_derivative(name: str) -> None:
    """Every entry of the JVP is SymPy's total derivative of one entry of the output."""
    for expansion in expansions(name):
        for output, found in zip(expansion.output.ravel(), expansion.tangent.ravel(), strict=True):
            total = sum(
                sp.diff(output, entry) * tangent
                for argument, tangents in expansion.tangents.items()
                for entry, tangent in zip(expansion.inputs[argument].ravel(), tangents.ravel(), strict=True)
            )
            assert is_zero(total - found)


@pytest.mark.parametrize("name", NAMES)
def test_hessian_vector_products_are_sympys_second_derivatives(name: str) -> None:
    """Every entry of every HVP is SymPy's derivative of an entry of the gradient along the tangents."""
    for expansion in expansions(name):
        scalar = weighted(expansion)
        for argument, product in expansion.products.items():
            for entry, found in zip(expansion.inputs[argument].ravel(), product.ravel(), strict=True):
                gradient = sp.diff(scalar, entry)
                total = sum(
                    sp.diff(gradient, other) * tangent
                    for name, tangents in expansion.tangents.items()
                    for other, tangent in zip(expansion.inputs[name].ravel(), tangents.ravel(), strict=True)
                )
                assert is_zero(total - found), (argument, entry)


def test_the_comparison_can_fail() -> None:
    """A gradient that is off by one part in a million is not SymPy's derivative, nor is one with its sign turned."""
    (expansion,) = expansions("softmax")
    entry, found = expansion.inputs["x"][0, 0], expansion.gradients["x"][0, 0]
    exact = sp.diff(weighted(expansion), entry)
    assert is_zero(exact - found)
    assert not is_zero(exact - found * (1 + sp.Rational(1, 10**6)))
    assert not is_zero(exact + found)


# Where a maximum is searched along two axes, its place stands for another coordinate in each slot, as in definitions.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "max_pool2d"])
def test_symbolic_export_is_the_expansion(name: str) -> None:
    """`to_sympy`, with its sums written out and numbers for its indices, is what the engine's evaluator gives."""
    derived, (expansion, *_) = derivation(name), expansions(name)
    results = [
        *((result, expansion.gradients[wrt]) for wrt, result in derived.gradients.items()),
        *((result, expansion.jacobians[wrt]) for wrt, result in derived.jacobians.items()),
        *((result, expansion.products[wrt]) for wrt, result in derived.products.items()),
        (derived.tangent, expansion.tangent),
    ]
    for result, expected in results:
        exported = to_sympy(result, derived.program)
        for position in np.ndindex(expected.shape):
            point = {i.name.replace("'", "_"): k for i, k in zip(result.free, position, strict=True)}
            assert is_zero(written_out(exported, point, expansion, name) - expected[position]), result.name


def written_out(expression: Any, position: dict[str, int], expansion: Expansion, name: str) -> Any:
    """An exported expression at one position, with sums, entries and sizes replaced by hand, not by SymPy's `doit`."""
    if isinstance(expression, sp.Sum | sp.Product):
        names = [str(limit[0]) for limit in expression.limits]
        ranges = [range(sizes(name)[str(limit[2] + 1).lower()]) for limit in expression.limits]
        parts = [
            written_out(expression.function, {**position, **dict(zip(names, point, strict=True))}, expansion, name)
            for point in itertools.product(*ranges)
        ]
        return sum(parts) if isinstance(expression, sp.Sum) else sp.Mul(*parts)
    if isinstance(expression, sp.Piecewise):  # the first branch that holds: the others may point outside a tensor
        conditions = [written_out(condition, position, expansion, name) for _, condition in expression.args]
        if all(condition in (sp.true, sp.false) for condition in conditions):
            return written_out(expression.args[conditions.index(sp.true)][0], position, expansion, name)
    if isinstance(expression, sp.Idx):
        return sp.Integer(position[str(expression)])
    if isinstance(expression, sp.Indexed):
        point = tuple(int(written_out(i, position, expansion, name)) for i in expression.indices)
        return sp.sympify(expansion.tensors[str(expression.base)][point])
    if isinstance(expression, sp.Symbol):
        if expression.is_integer:
            return sp.Integer(sizes(name)[expression.name.lower()])
        return expansion.tensors[expression.name][()]
    if not expression.args:
        return expression
    return expression.func(*(written_out(part, position, expansion, name) for part in expression.args))
