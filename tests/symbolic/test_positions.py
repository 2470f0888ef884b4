"""Places of maxima: how they are read, evaluated and differentiated."""

from fractions import Fraction

import numpy as np
import pytest
from sympy import Idx, IndexedBase, symbols

from gradlab.errors import DefinitionError
from gradlab.symbolic.definition import Definition, argmax, given, let
from gradlab.symbolic.derive import derive
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read
from gradlab.symbolic.rings import Digits, PrimeField, objects
from gradlab.symbolic.show import text

N, D, W = symbols("N D W", integer=True)
n, d, k, w = Idx("n", N), Idx("d", D), Idx("k", D), Idx("w", W)
x, y, at = map(IndexedBase, ("x", "y", "at"))


def definition(lets, entry=x[n, d]):
    """An operation whose output is the last binding."""
    return Definition(
        name="places", summary="Places.", inputs=[given(entry)], lets=lets, output=lets[-1].entry, reference="x"
    )


ROWS = definition([let(at[n], argmax(x[n, k], k)), let(y[n], x[n, at[n]] ** 2)])
PLANE = definition([let(at[n], argmax(x[n, k, w], k, w)), let(y[n], x[n, at[n], at[n]])], x[n, d, w])


def shown(result, program):
    """A result as text."""
    return text(result.display, program, result.free)


def test_the_gradient_of_a_maximum_goes_to_its_place():
    """The chain rule knows the place as a constant: one delta, no term for the place itself."""
    derivation = derive(read(ROWS))
    program = derivation.program
    assert shown(derivation.gradients["x"], program) == "2 * delta[at[n],d] * grad_output[n] * x[n,at[n]]"
    assert shown(derivation.tangent, program) == "2 * tangent_x[n,at[n]] * x[n,at[n]]"
    assert "at" not in program.varying


@pytest.mark.parametrize("item", [ROWS, PLANE], ids=["rows", "plane"])
def test_every_step_is_proved_and_its_mutants_rejected(item):
    """Derivations with places pass the three proofs; all mutants fail them."""
    proof = prove(derive(read(item)))
    assert proof.killed == proof.mutants > 0


@pytest.mark.parametrize("ring", [PrimeField(), Digits()], ids=["field", "digits"])
def test_of_equal_entries_the_first_is_found(ring):
    """Ties go to the first entry, and signs are those of the small numbers that a field element stands for."""
    program = read(ROWS)
    rows = [[1, 3, 3], [-2, -1, -1], [0, 0, 0], [-5, -7, 2]]
    values = objects([ring.constant(Fraction(value)) for row in rows for value in row], (4, 3))
    point = Point(ring, dict(zip(program.axes, (4, 3), strict=True)), {"x": values})
    found = evaluate(program.bindings[0].value, program.bindings[0].tensor.indices, point)
    assert found.dtype.kind == "i"
    assert found.tolist() == [1, 1, 0, 2]


def test_one_place_stands_for_several_axes():
    """A place in a plane is counted row by row; as an index it is the coordinate along the axis it stands on."""
    program = read(PLANE)
    values = np.array([[[0, 1, 2], [5, 4, 5]], [[7, 0, 0], [0, 0, 7]]])
    ring = Digits()
    tensors = {"x": objects([ring.constant(Fraction(int(v))) for v in values.ravel()], values.shape)}
    point = Point(ring, dict(zip(program.axes, (2, 2, 3), strict=True)), tensors)
    place, maximum = program.bindings
    tensors["at"] = evaluate(place.value, place.tensor.indices, point)
    assert tensors["at"].tolist() == [3, 0]
    assert evaluate(maximum.value, maximum.tensor.indices, point).tolist() == [5, 7]
    assert text(maximum.value, program, maximum.tensor.indices) == "x[n,at.d[n],at.w[n]]"


@pytest.mark.parametrize(
    ("lets", "message"),
    [
        ([let(at[n], argmax(x[n, k], k)), let(y[n], at[n] + x[n, at[n]])], "holds labels and is used as a number"),
        ([let(at[n], argmax(x[n, d], k)), let(y[n], x[n, at[n]])], "does not say where to search"),
        ([let(at[n], argmax(x[n, k])), let(y[n], x[n, at[n]])], "does not say where to search"),
        ([let(y[n], x[n, n])], "axes clash"),
        ([let(at[n], argmax(x[n, k], k)), let(y[n], x[at[n], 0])], "axes clash"),
    ],
    ids=["place as a number", "index not in the entry", "no index", "wrong axis", "place on another axis"],
)
def test_what_a_place_cannot_be(lets, message):
    """A place is searched over indices of the entry, and stands in brackets on the axis that was searched."""
    with pytest.raises(DefinitionError, match=message):
        read(definition(lets))
