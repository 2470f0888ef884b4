"""Matrix forms: recognised where the issue asks for them, and right as numbers for every operation."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath
import numpy as np
import pytest

from gradlab.documents.dialect import Operand, TextDialect
from gradlab.documents.jacobian import jacobian_form
from gradlab.documents.matrix import MatrixForm, matrix_form
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation, Result, derive
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.load import definitions
from gradlab.symbolic.read import read
from gradlab.symbolic.rings import Digits
from gradlab.symbolic.sample import complete_named, draws
from gradlab.symbolic.terms import Position
from tests.catalogue import derivation as registered
from tests.symbolic.examples import EXAMPLES

DEFINITIONS = {**definitions(), **{example.name: example for example in EXAMPLES}}
# Windows, places, running sums and products, and sums with functions in them have no product of matrices; images
# between two matrices have one that is not found.
WITHOUT_FORM = frozenset(
    [
        "abs",
        "adaptive_avg_pool2d",
        "avg_pool2d",
        "binary_cross_entropy_with_logits",
        "binary_cross_entropy_with_logits_each",
        "conv1d",
        "conv2d",
        "cumsum",
        "elu",
        "embedding",
        "gelu",
        "gelu_tanh",
        "group_norm",
        "huber",
        "huber_each",
        "l1",
        "l1_each",
        "max",
        "max_pool2d",
        "maximum",
        "min",
        "minimum",
        "multi_margin",
        "power",
        "prod",
        "selu",
        "silu",
        "smooth_l1",
        "smooth_l1_each",
        "softmax_cross_entropy_weighted",
        "softmax_cross_entropy_weighted_each",
        "softplus",
        "std",
        "weighted_binary_cross_entropy_each",
    ]
)
WITHOUT_VJP_FORM = frozenset(
    [
        "instance_norm",
        "nll",
        "nll_weighted",
        "nll_weighted_each",
        "softmax_cross_entropy_kept",
        "softmax_cross_entropy_labels",
    ]
)
WITHOUT_JACOBIAN_FORM = frozenset(
    [
        "nll_weighted_each",
        "scaled_dot_product_attention",
        "scaled_dot_product_attention_bias",
        "scaled_dot_product_attention_mask",
        "softmax_cross_entropy_kept",
        "softmax_cross_entropy_soft_each",
    ]
)
NAMES = tuple(DEFINITIONS)
EXAMPLE_NAMES = frozenset(example.name for example in EXAMPLES)
TEXT = TextDialect({GRAD_OUTPUT: "g"})


@cache
def derivation(name: str) -> Derivation:
    """The derivation of a registered operation or of an example."""
    if name not in EXAMPLE_NAMES:
        return registered(name)
    return derive(read(DEFINITIONS[name]))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("softmax", "for n: diag(y) - y y^T"),
        ("relu", "diag(mask)"),
        ("linear", "for n: weight"),
        ("cross_entropy", "-t / (N * p)"),
        ("softmax_cross_entropy", "(p - t) / N"),
        ("softmax_cross_entropy_labels", "(p - one_hot(label)) / N"),
        ("batch_norm", "for c: gamma * inv_std / N * (N * I - 1 1^T - x_hat x_hat^T)"),
        ("batch_norm_2d", "for c: gamma * inv_std / (N * H * W) * (N * H * W * I - 1 1^T - x_hat x_hat^T)"),
        ("batch_norm_eval", "for c: gamma * inv_std * I"),
    ],
)
def test_jacobian_with_respect_to_the_first_input(name: str, form: str) -> None:
    """The textbook matrix comes out."""
    found = derivation(name)
    first = next(iter(found.jacobians.values()))
    assert shown(jacobian_form(first, found.program, TEXT)) == form


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("softmax", ["for n: y * (g - g^T y)"]),
        ("relu", ["g * mask"]),
        ("linear", ["g weight", "g^T x", "for o: sum(g)"]),
        ("cross_entropy", ["-g * t / (N * p)"]),
        ("softmax_cross_entropy", ["g * (p - t) / N"]),
        ("softmax_cross_entropy_labels", ["g * (p - one_hot(label)) / N"]),
        (
            "batch_norm",
            [
                "for c: gamma * inv_std / N * (N * g - sum(g) - x_hat * (g^T x_hat))",
                "for c: g^T x_hat",
                "for c: sum(g)",
            ],
        ),
    ],
)
def test_gradients(name: str, forms: list[str]) -> None:
    """Every gradient of the operation in matrix notation."""
    found = derivation(name)
    assert [shown(matrix_form(result, found.program, TEXT)) for result in found.gradients.values()] == forms


def shown(form: MatrixForm | None) -> str | None:
    """The form, with the axes it holds for."""
    if form is None or not form.per:
        return form and form.form
    return f"for {', '.join(axis.name for axis in form.per)}: {form.form}"


class NumpyDialect:
    """Writes forms as NumPy expressions, so that a test can evaluate them."""

    identity = "np.eye(ROWS)"
    ones = "ONES"

    def name(self, tensor: str) -> str:
        return f"T[{tensor!r}]"

    def size(self, axis: Axis) -> str:
        return f"SIZE[{axis.name!r}]"

    def power(self, base: str, exponent: Fraction) -> str:
        return f"{base} ** {float(exponent)}"

    def one_hot(self, tensor: str) -> str:
        return f"np.eye(CLASSES)[T[{tensor!r}]]"

    def transposed(self, matrix: str) -> str:
        return f"transposed({matrix})"

    def diag(self, vector: str) -> str:
        return f"np.diag(({vector}).ravel())"

    def dot(self, left: str, right: str) -> str:
        return f"np.sum({left} * {right})"

    def total(self, tensor: str) -> str:
        return f"np.sum({tensor})"

    def product(self, matrices: Sequence[str]) -> str:
        return f"product({', '.join(matrices)})"

    def fraction(self, above: Sequence[Operand], below: Sequence[Operand]) -> str:
        return f"({self.factors(above)}) / ({self.factors(below)})"

    def factors(self, parts: Sequence[Operand]) -> str:
        return " * ".join(f"({part.text})" for part in parts) or "1"

    def addition(self, terms: Sequence[tuple[bool, str]]) -> str:
        return " ".join(f"{'-' if negative else '+'} {term}" for negative, term in terms) or "0"

    def scaled(self, negative: bool, above: Sequence[Operand], below: Sequence[Operand], bracket: str) -> str:
        return f"{'-' if negative else '+'} {self.fraction(above, below)} * ({bracket})"


def random_point(found: Derivation) -> Point:
    """A point at which everything is defined, to 60 digits."""
    with mpmath.workdps(Digits.digits):
        (point,) = draws(found.program, Digits(), 1, 0)
        complete_named(found, point)
    return point


def transposed(value: Any) -> Any:
    """The transpose of a matrix, or a vector as one row."""
    return value.T if np.ndim(value) == 2 else np.reshape(value, (1, -1))


def product(left: Any, right: Any) -> Any:
    """A matrix product, an outer product, or either with a vector of ones."""
    if np.ndim(right) == 2 and len(right) == 1:
        return column(left) @ right
    return left.sum(axis=1) if right is ONES else left @ right


def column(vector: Any) -> Any:
    """The array as one column."""
    return np.asarray(vector).reshape(-1, 1)


ONES = np.ones(1)
"""A vector of ones, as long as it has to be."""


def fixed(result_axes: Sequence[Axis], indices: Sequence[Index], value: Any) -> Any:
    """The array at position 0 of the axes that a form holds for."""
    value = np.asarray(value)
    value = value.astype(int if value.dtype == np.intp else float)
    return value[tuple(0 if index.axis in result_axes else slice(None) for index in indices)]


def evaluated(form: MatrixForm, found: Derivation, point: Point, rows: int) -> Any:
    """The form as NumPy computes it."""
    shapes = {tensor.name: tensor.indices for tensor in found.program.tensors.values()}
    shapes[GRAD_OUTPUT] = found.program.output.indices
    shapes.update({f"tangent_{tensor.name}": tensor.indices for tensor in found.program.tensors.values()})
    shapes.update({named.name: named.free for named in (*found.adjoints.values(), *found.moved.values())})
    tensors = {name: fixed(form.per, shapes.get(name, ()), value) for name, value in point.tensors.items()}
    sizes = {axis.name: size for axis, size in point.sizes.items()}
    if rows > 1:  # the rows of a Jacobian are all entries of the output
        count = sum(index.axis not in form.per for index in found.program.output.indices)
        tensors = {name: np.ravel(value) if np.ndim(value) == count else value for name, value in tensors.items()}
    classes = next((sizes[name] for name in classified(found)), 0)
    names = {"np": np, "T": tensors, "SIZE": sizes, "ROWS": rows, "CLASSES": classes, "ONES": ONES}
    return eval(form.form, {**names, "transposed": transposed, "product": product})


def classified(found: Derivation) -> Iterator[str]:
    """The names of the axes that labels and computed positions point into."""
    yield from (given.domain.below for given in found.program.inputs if given.domain.below)
    for binding in found.program.bindings:
        atoms = (atom for term in binding.value for atom, _ in term.factors)
        yield from (atom.argument.bound[0].axis.name for atom in atoms if isinstance(atom, Position))


@pytest.mark.parametrize("name", NAMES)
def test_forms_are_the_gradients_as_numbers(name: str) -> None:
    """At a random point every recognised form equals the result it stands for."""
    found = derivation(name)
    point = random_point(found)
    for result in (*found.gradients.values(), found.tangent, *found.products.values()):
        form = matrix_form(result, found.program, NumpyDialect())
        second = result in found.products.values()  # which have one where they can
        assert form is not None or second or name in EXAMPLE_NAMES or name in WITHOUT_FORM or name in WITHOUT_VJP_FORM
        if form is not None:
            expected = fixed(form.per, result.free, evaluate(result.value, result.free, point))
            value = evaluated(form, found, point, 0) * np.ones_like(expected)
            np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_forms_are_the_jacobians_as_numbers(name: str) -> None:
    """At a random point every recognised Jacobian equals the result, as a matrix of rows and columns."""
    found = derivation(name)
    point = random_point(found)
    for result in found.jacobians.values():
        form = jacobian_form(result, found.program, NumpyDialect())
        assert form is not None or name in EXAMPLE_NAMES or name in WITHOUT_FORM or name in WITHOUT_JACOBIAN_FORM
        if form is None:
            continue
        count = len(found.program.output.indices)
        expected = fixed(form.per, result.free, evaluate(result.value, result.free, point))
        if count:
            rows = sizes(result.free[:count], form, point)
            expected = expected.reshape(rows, sizes(result.free[count:], form, point))
            value = evaluated(form, found, point, rows)
            # A single column may be written as a vector, or as a vector of ones.
            value = column(value) if np.ndim(value) != 2 or expected.shape[1] == 1 else value
            np.testing.assert_allclose(value * np.ones_like(expected), expected, rtol=1e-9, atol=1e-9)
        else:
            np.testing.assert_allclose(evaluated(form, found, point, 0), expected, rtol=1e-9)


def sizes(indices: Sequence[Index], form: MatrixForm, point: Point) -> int:
    """How many rows or columns remain."""
    return int(np.prod([point.sizes[index.axis] for index in indices if index.axis not in form.per], dtype=int))


def test_result_without_matrix_form() -> None:
    """An expression that is no product of matrices has no form, rather than a wrong one."""
    found = derivation("softmax_cross_entropy_labels")
    assert isinstance(found.tangent, Result)
    assert matrix_form(found.tangent, found.program, TEXT) is None


@pytest.mark.parametrize("name", ["self_distances", "trace", "diagonal"])
def test_two_axes_of_one_sort_are_not_confused(name: str) -> None:
    """Where "for each n" would not say which n, there is no form: g[n,m] and g[m,n] must not both be written g."""
    found = derivation(name)
    assert [matrix_form(result, found.program, TEXT) for result in found.gradients.values()] == [None]
