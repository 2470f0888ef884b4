"""Equation numbers: what documents print and generated code cites."""

import itertools

import pytest

from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.equations import number_of, numbered
from gradlab.symbolic.load import definitions
from gradlab.symbolic.read import read
from gradlab.symbolic.show import text
from tests.catalogue import NAMES
from tests.catalogue import derivation as derived


@pytest.fixture(params=NAMES)
def derivation(request: pytest.FixtureRequest) -> Derivation:
    """Each operation in turn."""
    return derived(request.param)


def test_numbers_count_from_one(derivation: Derivation) -> None:
    """Definitions first, then the steps, numbered without gaps."""
    equations = numbered(derivation)
    assert [equation.number for equation in equations] == list(range(1, len(equations) + 1))
    kinds = list(dict.fromkeys(equation.kind for equation in equations))
    assert kinds == [k for k in ("definition", "lemma", "adjoint", "tangent", "jacobian", "product") if k in kinds]


def test_every_result_is_the_right_side_of_its_number(derivation: Derivation) -> None:
    """`number_of` a binding is its definition, `number_of` a result is the line that shows its final form."""
    equations = {equation.number: equation for equation in numbered(derivation)}
    program = derivation.program
    for binding in program.bindings:
        assert equations[number_of(derivation, binding.name)].right == binding.value
    second = (*derivation.moved.values(), *derivation.products.values())
    for result in (*derivation.gradients.values(), derivation.tangent, *derivation.jacobians.values(), *second):
        final = equations[number_of(derivation, result.name)]
        assert text(final.right, program, final.free) == text(result.display, program, result.free)


def test_no_equation_repeats_the_line_before_it(derivation: Derivation) -> None:
    """A step whose two sides print alike gets no number of its own, unless it is all there is."""
    equations = numbered(derivation)
    shown = [(e.name, text(e.right, derivation.program, e.free)) for e in equations if e.name]
    assert all(left != right for left, right in itertools.pairwise(shown))


def test_numbers_do_not_depend_on_what_was_derived_before() -> None:
    """Deriving other operations first changes neither numbers nor text: kernels stay fresh."""

    def lines() -> list[str]:
        found = derive(read(definitions()["batch_norm"]))  # anew: the cached derivation would not change
        return [text(e.right, found.program, e.free) for e in numbered(found)]

    first = lines()
    for name in ("batch_norm_2d", "max_pool2d", "softmax"):
        derive(read(definitions()[name]))
    assert lines() == first


def test_quantity_without_equation() -> None:
    """Inputs and the upstream gradient have no equation."""
    found = derived("softmax")
    with pytest.raises(KeyError):
        number_of(found, "grad_output")
