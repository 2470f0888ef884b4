"""End-to-end identities that use no rule of the engine: differences, <JVP, g> = <u, VJP>, <u, H v> = <v, H u>, …."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np

from gradlab.errors import ProofError
from gradlab.symbolic.definition import Shift as Declared
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation, Result
from gradlab.symbolic.draw import numbers
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.program import Program, Shift
from gradlab.symbolic.rings import Digits
from gradlab.symbolic.sample import complete
from gradlab.symbolic.tangents import TANGENT
from gradlab.symbolic.terms import Expr
from gradlab.symbolic.witness import Witness

_STEP = mpmath.mpf(10) ** -18  # central differences: error about step**2 = 1e-36, rounding about 1e-60 / step
_AGREE = mpmath.mpf(10) ** -30
_LONG_STEP = mpmath.mpf(10) ** -13  # second differences: error about step**2 = 1e-26, rounding about 1e-60 / step**2
_CURVATURES_AGREE = mpmath.mpf(10) ** -20


def prove_ends(derivation: Derivation, witnesses: list[Witness]) -> tuple[str, ...]:
    """Check the end results; gives the names of what was checked, raises ProofError where one fails."""
    shift = derivation.program.shift
    for witness in witnesses:
        turned = witness.turned()
        curvature = _pairing(derivation.products, witness, turned)
        if not witness.agrees(curvature, _pairing(derivation.products, turned, witness)):
            _fail(derivation, "<u, HVP(v)> differs from <v, HVP(u)>", witness)
        slope = _pairing(derivation.gradients, witness, witness)
        tangent = witness.tensor(derivation.program.output.name, derivation.tangent.value)
        if not witness.agrees(slope, witness.dot(tangent, witness.point.tensors[GRAD_OUTPUT])):
            _fail(derivation, "<JVP(u), grad_output> differs from <u, VJP(grad_output)>", witness)
        if isinstance(witness.point.ring, Digits):
            difference = _difference(derivation, witness)
            if abs(slope - difference) > _AGREE * max(1, abs(slope)):
                _fail(derivation, "the VJP differs from central differences of the definition", witness)
            mixed = _mixed_difference(derivation, witness, turned)
            if abs(curvature - mixed) > _CURVATURES_AGREE * max(1, abs(curvature)):
                _fail(derivation, "the HVP differs from second differences of the definition", witness)
            # Only here: in the field, exp(a + b) = exp(a) exp(b) holds for small whole numbers alone.
            if shift is not None:
                _prove_shift(derivation, witness, shift)
    names = [
        "dot-product identity of JVP and VJP",
        "symmetry of the HVP",
        "VJP against central differences of the definition at 50 digits",
        "HVP against second differences of the definition at 50 digits",
    ]
    return (*names, "invariance under the shift") if shift is not None else tuple(names)


def _fail(derivation: Derivation, problem: str, witness: Witness) -> None:
    raise ProofError(f"{derivation.program.name}: {problem} ({witness.name})")


def _pairing(results: Mapping[str, Result], at: Witness, along: Witness) -> Any:
    """The sum over all inputs of <result at one witness, tangent of the other>."""
    parts = [
        at.dot(at.tensor(name, result.value), along.point.tensors[TANGENT + name]) for name, result in results.items()
    ]
    return functools.reduce(at.point.ring.add, parts)


def _moved(derivation: Derivation, point: Point, moves: Mapping[str, Any]) -> dict[str, Any]:
    """All bindings computed anew after some inputs have moved; without those that are then undefined."""
    computed = {binding.name for binding in derivation.program.bindings}
    tensors = {
        name: np.asarray(value + moves[name], dtype=object) if name in moves else value
        for name, value in point.tensors.items()
        if name not in computed
    }
    complete(derivation.program, replace(point, tensors=tensors), tensors)
    return tensors


def _paired_output(derivation: Derivation, witness: Witness, moves: Mapping[str, Any]) -> Any:
    """<output, grad_output> after some inputs have moved."""
    point = witness.point
    output = _moved(derivation, point, moves)[derivation.program.output.name]
    return witness.dot(output, point.tensors[GRAD_OUTPUT])


def _difference(derivation: Derivation, witness: Witness) -> Any:
    tangents = _tangents(derivation, witness)
    ends = [
        _paired_output(derivation, witness, {name: sign * _STEP * value for name, value in tangents.items()})
        for sign in (1, -1)
    ]
    return (ends[0] - ends[1]) / (2 * _STEP)


def _mixed_difference(derivation: Derivation, witness: Witness, turned: Witness) -> Any:
    """The second derivative along the tangents of both witnesses, from the definition alone."""
    first, second = _tangents(derivation, witness), _tangents(derivation, turned)
    total = mpmath.mpf(0)
    for left, right in itertools.product((1, -1), repeat=2):
        moves = {name: _LONG_STEP * (left * first[name] + right * second[name]) for name in first}
        total += left * right * _paired_output(derivation, witness, moves)
    return total / (4 * _LONG_STEP**2)


def _tangents(derivation: Derivation, witness: Witness) -> dict[str, Any]:
    return {name: witness.point.tensors[TANGENT + name] for name in derivation.gradients}


def _prove_shift(derivation: Derivation, witness: Witness, shift: Shift) -> None:
    """Subtracting any number that does not depend on the shifted axis leaves the output and the saved tensors alone.

    Where a mask says which entries count, the others may become anything.
    """
    program, point = derivation.program, witness.point
    shape = tuple(1 if index.axis == shift.axis else point.sizes[index.axis] for index in shift.tensor.indices)
    constants = numbers(shape, point.ring, witness.rng)
    moved = _shifted(program, witness, shift, constants)
    computed = {binding.name for binding in program.bindings} - {shift.tensor.name}
    kept = [name for name in dict.fromkeys((program.output.name, *derivation.handed)) if name in computed]
    changed = [name for name in kept if not witness.agrees(point.tensors[name], moved[name])]
    if changed:
        axis = shift.axis.name
        declared = program.definition.shift
        over = declared.over if isinstance(declared, Declared) else declared
        _fail(
            derivation,
            f"shift={over} is wrong: subtracting a constant along {axis} from {shift.tensor.name} "
            f"changes {', '.join(changed)}; leave the shift out",
            witness,
        )


def _shifted(program: Program, witness: Witness, shift: Shift, constants: Any) -> MutableMapping[str, Any]:
    """All tensors as the forward computes them after the shift."""
    point = witness.point
    moved = replace(point, tensors=dict(point.tensors))
    tensor = shift.tensor
    less = point.tensors[tensor.name] - constants
    if shift.where is not None:
        other = 1 - evaluate(Expr.atom(shift.where), tensor.indices, point)
        less = less + other * numbers(less.shape, point.ring, witness.rng)
    if tensor.name not in {binding.name for binding in program.bindings}:
        moved.tensors[tensor.name] = less
    for binding in program.bindings:
        value = evaluate(binding.value, binding.tensor.indices, moved)
        if binding.name in shift.restored:
            value = value + constants.squeeze([index.axis for index in tensor.indices].index(shift.axis))
        moved.tensors[binding.name] = less if binding.name == tensor.name else np.asarray(value, dtype=object)
    return moved.tensors
