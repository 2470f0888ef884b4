"""What one call of a function does, and whether two calls do the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array, Subject
from gradlab.mutate.digits import DIGITS, digits
from gradlab.verify.calls import describe, listed, quiet
from gradlab.verify.layouts import place

# Numbers of 50 digits that went through cancellations: the inputs have 16 digits and wide ranges.
_EXACT = 10.0 ** -(DIGITS - 20)


@dataclass(frozen=True, slots=True)
class Observation:
    """Output and gradients, or an error; the arrays of the caller that were edited, and those that are shared."""

    values: tuple[Any, ...] = ()
    error: str = ""
    edited: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Draw:
    """The arrays of one call; `names` are those of the inputs."""

    names: tuple[str, ...]
    inputs: tuple[Array, ...]
    grad_output: Array | None
    layouts: tuple[str, ...]
    params: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Number of entries of the inputs."""
        return sum(array.size for array in self.inputs)


def observe(subject: Subject, draw: Draw, *, exact: bool = False) -> Observation:
    """Run forward, then backward where the draw has an upstream gradient."""
    arrays = [*draw.inputs, *([] if draw.grad_output is None else [draw.grad_output])]
    if exact:
        placed, held = [], [digits(array) for array in arrays]
    else:
        placed = [place(array, layout) for array, layout in zip(arrays, _layouts(draw, len(arrays)), strict=True)]
        held = [item.array for item in placed]
    inputs, names = held[: len(draw.inputs)], (*draw.names, "grad_output")
    before = [item.fingerprint() for item in placed]
    with quiet():
        try:
            output, saved = subject.forward(inputs, draw.params)
            values: list[Any] = [output]
            if draw.grad_output is not None:
                output = np.array(output)  # backward may write where forward's answer lies
                values = [output, *listed(subject.backward(held[-1], inputs, saved, draw.params), len(inputs))]
            made = tuple(None if value is None else np.asarray(value) for value in values)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # exit() in the code under test
            return Observation(error=describe(error))
    edited = {name for name, item, old in zip(names, placed, before, strict=False) if item.fingerprint() != old}
    shared = {
        name
        for name, item in zip(names, placed, strict=False)
        if any(value is not None and np.may_share_memory(value, item.buffer) for value in made[1:])
    }
    return Observation(made, "", frozenset(edited), frozenset(shared))


def _layouts(draw: Draw, count: int) -> Sequence[str]:
    # The upstream gradient's layout comes last, also where more inputs than layouts were planned.
    return [*draw.layouts[: len(draw.inputs)], draw.layouts[-1]][:count]


def contract(right: Observation, wrong: Observation, names: Sequence[str]) -> str:
    """How errors, arity, shapes, dtypes or the caller's arrays differ; "" where they do not."""
    if wrong.error:
        return f"raises {wrong.error}"
    if len(right.values) != len(wrong.values):
        return f"{len(wrong.values) - 1} gradients for {len(right.values) - 1}"
    for label, a, b in zip(_labels(names), right.values, wrong.values, strict=False):
        if (a is None) != (b is None):
            return f"{label} is {'None' if b is None else 'no longer None'}"
        if a is not None and (a.shape != b.shape or a.dtype != b.dtype):
            return f"{label} is {b.dtype} of shape {b.shape}, not {a.dtype} of shape {a.shape}"
    if wrong.edited - right.edited:
        return f"edits {', '.join(sorted(wrong.edited - right.edited))}"
    return ""


def _labels(names: Sequence[str]) -> list[str]:
    return ["the output", *(f"grad {name}" for name in names)]


def overflow(right: Observation, wrong: Observation, names: Sequence[str]) -> str:
    """Where the second is not finite and the first is."""
    for label, a, b in zip(_labels(names), right.values, wrong.values, strict=False):
        if a is not None and a.dtype.kind in "fO":
            lost = _finite(a) & ~_finite(b)
            if lost.any():
                return f"{label} is {_first(b, lost)} where it was {_first(a, lost)}"
    return ""


def numbers(right: Observation, wrong: Observation, names: Sequence[str], *, relative: float = _EXACT) -> str:
    """The first number that differs by more than `relative` of the largest in its array, where both are finite."""
    for label, a, b in zip(_labels(names), right.values, wrong.values, strict=False):
        if a is None or not a.size or a.shape != b.shape:
            continue
        both = _finite(a) & _finite(b)
        x, y = digits_of(a)[both], digits_of(b)[both]
        if not x.size:
            continue
        scale = max(np.abs(x).max(), np.abs(y).max())
        far = np.zeros(a.shape, bool)
        far[both] = (np.abs(x - y) > scale * relative).astype(bool)
        if far.any():
            return f"{label} is {_first(b, far)} where it was {_first(a, far)}"
    return ""


def digits_of(array: Array) -> Array:
    """The array as it can be compared: object arrays stay, integers and truth values become float64."""
    return array if array.dtype.kind in "fO" else array.astype(np.float64)


def _finite(array: Array) -> Array:
    if array.dtype.kind == "O":
        with np.errstate(all="ignore"):
            plain = np.array([_plain(item) for item in array.reshape(-1)], dtype=bool)
        return plain.reshape(array.shape)
    return np.asarray(np.isfinite(array)) if array.dtype.kind in "fc" else np.ones(array.shape, bool)


def _plain(item: Any) -> bool:
    # Not through float(): 1e400 is a number here.
    return bool(item == item and abs(item) != float("inf"))


def _first(array: Array, where: Array) -> str:
    value = array[where].reshape(-1)[0]
    return f"{float(value):.10g}"
