"""End-to-end identities that use no rule of the engine: finite differences, <JVP, g> = <u, VJP>, the shift."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

from gradlab.errors import ProofError
from gradlab.symbolic.derive import GRAD_OUTPUT, TANGENT, Derivation
from gradlab.symbolic.draw import numbers
from gradlab.symbolic.evaluate import Point
from gradlab.symbolic.rings import Digits
from gradlab.symbolic.sample import complete
from gradlab.symbolic.witness import Witness

_STEP = mpmath.mpf(10) ** -18  # central differences: error about step**2 = 1e-36, rounding about 1e-60 / step
_AGREE = mpmath.mpf(10) ** -30


def prove_ends(derivation: Derivation, witnesses: list[Witness]) -> tuple[str, ...]:
    """Check the end results; gives the names of what was checked, raises ProofError where one fails."""
    shifted = derivation.program.shift is not None
    for witness in witnesses:
        slope = _vjp_slope(derivation, witness)
        tangent = witness.tensor(derivation.program.output.name, derivation.tangent.value)
        if not witness.agrees(slope, witness.dot(tangent, witness.point.tensors[GRAD_OUTPUT])):
            _fail(derivation, "<JVP(u), grad_output> differs from <u, VJP(grad_output)>", witness)
        if isinstance(witness.point.ring, Digits):
            difference = _difference(derivation, witness)
            if abs(slope - difference) > _AGREE * max(1, abs(slope)):
                _fail(derivation, "the VJP differs from central differences of the definition", witness)
            # Only here: in the field, exp(a + b) = exp(a) exp(b) holds for small whole numbers alone.
            if shifted:
                _prove_shift(derivation, witness)
    names = ["dot-product identity of JVP and VJP", "VJP against central differences of the definition at 50 digits"]
    return (*names, "invariance under the shift") if shifted else tuple(names)


def _fail(derivation: Derivation, problem: str, witness: Witness) -> None:
    raise ProofError(f"{derivation.program.name}: {problem} ({witness.name})")


def _vjp_slope(derivation: Derivation, witness: Witness) -> Any:
    ring = witness.point.ring
    parts = (
        witness.dot(witness.tensor(name, gradient.value), witness.point.tensors[TANGENT + name])
        for name, gradient in derivation.gradients.items()
    )
    total = next(parts)
    for part in parts:
        total = ring.add(total, part)
    return total


def _moved(derivation: Derivation, point: Point, moves: dict[str, Any]) -> dict[str, Any]:
    """All bindings computed anew after some inputs have moved; without those that are then undefined."""
    computed = {binding.name for binding in derivation.program.bindings}
    tensors = {
        name: np.asarray(value + moves[name], dtype=object) if name in moves else value
        for name, value in point.tensors.items()
        if name not in computed
    }
    complete(derivation.program, Point(point.ring, point.sizes, tensors, point.integers), tensors)
    return tensors


def _difference(derivation: Derivation, witness: Witness) -> Any:
    point = witness.point
    ends = []
    for sign in (1, -1):
        moves = {name: sign * _STEP * point.tensors[TANGENT + name] for name in derivation.gradients}
        output = _moved(derivation, point, moves)[derivation.program.output.name]
        ends.append(witness.dot(output, point.tensors[GRAD_OUTPUT]))
    return (ends[0] - ends[1]) / (2 * _STEP)


def _prove_shift(derivation: Derivation, witness: Witness) -> None:
    """Subtracting any number that does not depend on the shifted axis leaves the output and the saved tensors alone."""
    program, point = derivation.program, witness.point
    first = program.inputs[0].tensor
    shape = tuple(1 if index.axis == program.shift else point.sizes[index.axis] for index in first.indices)
    moved = _moved(derivation, point, {first.name: numbers(shape, point.ring, witness.rng)})
    computed = {binding.name for binding in program.bindings}
    kept = [name for name in dict.fromkeys((program.output.name, *derivation.saved)) if name in computed]
    changed = [name for name in kept if name not in moved or not witness.agrees(point.tensors[name], moved[name])]
    if changed:
        _fail(
            derivation,
            f"shift={program.definition.shift} is wrong: subtracting a constant along {program.definition.shift} from "
            f"{first.name} changes {', '.join(changed)}; leave the shift out",
            witness,
        )
