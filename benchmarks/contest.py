"""One contest: the generated kernel against its rivals for one case. Results must agree before anything is timed."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from benchmarks.cases import Case
from benchmarks.hand_written import RIVALS
from benchmarks.hand_written.rival import HandWritten
from benchmarks.timing import Rival, Samples, Spread, measure
from gradlab import registry
from gradlab.errors import GradlabError, MissingDependencyError

Direction = Literal["backward", "forward"]

# Relative to the largest entry. Far above rounding at these sizes, far below any wrong term.
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}

# Where arrays happen to lie in memory shifts a large case by up to 20 % for as long as they live, so the rounds of a
# contest are spread over sittings, each with arrays of its own.
SITTINGS = 5

GENERATED, AUTOGRAD, TORCH = "generated", "autograd", "torch"


class DisagreementError(GradlabError):
    """A rival computes something else than the generated kernel, so their times say nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds per call of everyone in one contest, and the ratios that matter; None where there was no such rival."""

    operation: str
    direction: Direction
    size: str
    dtype: str
    seconds: dict[str, Spread]
    hand_written: str | None
    to_hand_written: Spread | None
    to_loop_free: Spread | None
    to_autograd: Spread | None
    torch_to_autograd: Spread | None
    torch_note: str | None

    @property
    def title(self) -> str:
        """Such as `relu backward 64×128 float32`."""
        return f"{self.operation} {self.direction} {self.size} {self.dtype}"


def contest(case: Case, direction: Direction, *, rounds: int, seed: int, sample_seconds: float) -> Result:
    """Check that all agree, time them against each other and compare."""
    sittings = [_sitting(case, direction, seed + k, sample_seconds, count) for k, count in enumerate(_split(rounds))]
    samples = functools.reduce(Samples.__add__, (samples for samples, _ in sittings))
    timed = [form for form in RIVALS.get(case.operation.name, ()) if form.name in samples.seconds]
    fastest = samples.fastest([form.name for form in timed]) if timed else None
    loop_free = samples.fastest([form.name for form in timed if not form.loops]) if timed else None
    return Result(
        operation=case.operation.name,
        direction=direction,
        size=case.size,
        dtype=case.dtype,
        seconds={rival: samples.spread(rival) for rival in samples.seconds},
        hand_written=fastest,
        to_hand_written=_ratio(samples, GENERATED, fastest),
        to_loop_free=_ratio(samples, GENERATED, loop_free),
        to_autograd=_ratio(samples, GENERATED, AUTOGRAD),
        torch_to_autograd=_ratio(samples, TORCH, AUTOGRAD),
        torch_note=sittings[0][1],
    )


def _split(rounds: int) -> Iterator[int]:
    """Rounds per sitting; each sitting has at least 4, and the last takes what remains."""
    sittings = max(1, min(SITTINGS, rounds // 4))
    for k in range(sittings):
        yield rounds // sittings + (rounds % sittings if k == sittings - 1 else 0)


def _sitting(
    case: Case, direction: Direction, seed: int, sample_seconds: float, rounds: int
) -> tuple[Samples, str | None]:
    """Times with fresh arrays, and why there was no torch."""
    rivals, grad_output = _numpy_rivals(case, direction, seed)
    torch_note = None
    try:
        kernel = registry.kernel(case.operation.name, "torch")
    except MissingDependencyError:
        torch_note = "no torch"
    except ModuleNotFoundError:
        torch_note = "no kernel"
    else:
        from benchmarks.torch_rivals import torch_rivals

        rivals |= torch_rivals(case, kernel, grad_output, forward=direction == "forward")
    _agree(case, direction, rivals)
    return measure(rivals, rounds=rounds, seed=seed, sample_seconds=sample_seconds), torch_note


def _ratio(samples: Samples, name: str, other: str | None) -> Spread | None:
    if other is None or not {name, other} <= samples.seconds.keys():
        return None
    return samples.ratio(name, other)


def _numpy_rivals(case: Case, direction: Direction, seed: int) -> tuple[dict[str, Rival], Any]:
    """The generated kernel and every hand-written form, each with what its own forward saved just now."""
    kernel = registry.kernel(case.operation.name)
    output, _ = kernel.forward(*case.inputs, **case.parameters)
    grad_output = upstream(output)
    forms = [HandWritten(GENERATED, kernel.forward, kernel.backward), *RIVALS.get(case.operation.name, ())]
    # Forms that share their forward or their backward are timed once, under the name of the first.
    contestants = list({getattr(form, direction): form for form in reversed(forms)}.values())
    # In random order, so that no rival always gets the first or the last addresses for what it saves.
    random.Random(seed).shuffle(contestants)
    rivals: dict[str, Rival] = {}
    for form in contestants:
        if direction == "forward":
            rivals[form.name] = _forward(form.forward, case)
        else:
            _, saved = form.forward(*case.inputs, **case.parameters)
            rivals[form.name] = _backward(form.backward, grad_output, saved)
    return rivals, grad_output


def upstream(output: Any) -> Any:
    """A gradient for an output, signed; a NumPy scalar where the output is one, as a training loop would hand it."""
    values = np.random.default_rng(1).standard_normal(np.shape(output))
    return np.asarray(values, dtype=output.dtype)[()]


def _forward(function: Any, case: Case) -> Rival:
    inputs, parameters = case.inputs, case.parameters
    return lambda: function(*inputs, **parameters)


def _backward(function: Any, grad_output: Any, saved: Any) -> Rival:
    return lambda: function(grad_output, saved)


def _agree(case: Case, direction: Direction, rivals: dict[str, Rival]) -> None:
    """Raise DisagreementError unless every rival gives what the generated kernel gives."""
    expected = list(_values(rivals[GENERATED](), direction))
    for name, rival in rivals.items():
        values = list(_values(rival(), direction))
        error = math.inf
        if len(values) == len(expected):
            error = max((_error(a, b) for a, b in zip(values, expected, strict=True)), default=0.0)
        if not error <= TOLERANCE[case.dtype]:
            raise DisagreementError(
                f"{case.operation.name} {direction} {case.size} {case.dtype}: {name!r} and the generated kernel differ "
                f"by {error:.1e} of the largest entry; one of the two is wrong"
            )


def _values(result: Any, direction: Direction) -> Iterator[Any]:
    """The output, or the gradients that both sides must give."""
    # A torch kernel's reference returns its output alone, everything else also what it saved.
    outputs = (result[0] if isinstance(result, tuple) else result,) if direction == "forward" else result
    for value in outputs:
        if value is not None:
            yield value.numpy() if hasattr(value, "numpy") else np.asarray(value)


def _error(value: Any, expected: Any) -> float:
    if value.shape != expected.shape or value.dtype != expected.dtype:
        return math.inf
    largest = float(np.abs(expected).max(initial=0.0))
    return float(np.abs(value - expected).max(initial=0.0)) / (largest or 1.0)
