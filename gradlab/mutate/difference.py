"""Is a mutant another function? It and the original are run on many draws, in floats and with 50 digits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from gradlab.adapters.subject import Array, Subject
from gradlab.mutate.bench import Bench
from gradlab.mutate.digits import DIGITS
from gradlab.mutate.observe import Draw, Observation, contract, numbers, observe, overflow
from gradlab.verify.calls import quiet
from gradlab.verify.case import build, draw_upstream
from gradlab.verify.plan import Plan, round_of_plans
from gradlab.verify.reproduction import literal
from gradlab.verify.specification import Specification

Kind = Literal["proved", "agrees", "kinks", "sharing", "different", "unknown"]

# Six rounds of the checker's own strata under other seeds, and as many small cases of whole numbers, full of ties.
_ROUNDS = 6

# Larger cases take seconds with 50 digits; they are compared in floats.
_LARGEST = 300

# In floats, two ways to compute one number differ by their rounding; this much is none of it in a mild case.
_FLOAT = 1e-7

# Errors against the 50-digit value: a mutant that is so much further off than the original is another algorithm.
# Where the original itself has few digits left, there is nothing to lose.
_LOSS, _FLOOR, _SOUND = 1e4, 1e-9, 1e-6


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is known of a mutant. `why` is one line; `witness` the lines of the inputs on which it differs.

    proved: the same algebraic normal form. agrees: the same on all draws. kinks: different only at points where a tiny
    step makes it the same. sharing: the same numbers, in memory that belongs to an argument. different: see the
    witness. unknown: nothing to run it on.
    """

    kind: Kind
    why: str
    witness: tuple[str, ...] = field(default=())

    @property
    def equivalent(self) -> bool:
        """True where a test cannot be blamed for the mutant that it lets pass."""
        return self.kind not in ("different", "unknown")


def compare(bench: Bench, text: str, seed: int) -> Comparison:
    """Compare the original with the mutant of this text, on draws of the bench's own specification."""
    return _Contest(bench, text).compare(seed)


class _Contest:
    def __init__(self, bench: Bench, text: str) -> None:
        self.specification = bench.specification
        self.names = tuple(argument.name for argument in bench.specification.arguments)
        with quiet():
            self.right, self.wrong = bench.subject(), bench.subject(text)
            original = _text_of(bench)
            self.exact: tuple[Subject, Subject] | None = None
            if original:
                self.exact = bench.subject(original, exact=True), bench.subject(text, exact=True)

    def compare(self, seed: int) -> Comparison:
        count = exact = 0
        at_kinks: tuple[str, ...] = ()
        shared: frozenset[str] = frozenset()
        for draw in sorted(draws(self.specification, self.right, seed), key=_simplest):
            found, digits, sharing = self._differs(draw)
            count += 1
            exact += digits
            shared |= sharing
            if not found:
                continue
            witness = tuple(_witness(draw, found))
            if not self._only_here(draw, found):
                return Comparison("different", found, witness)
            at_kinks = at_kinks or witness
        if not count:
            return Comparison("unknown", "the original runs on no draw")
        basis = f"{count} draws, {exact} of them with {DIGITS} digits" if exact else f"{count} draws in floats"
        if at_kinks:
            return Comparison("kinks", f"differs only at kinks or ties; elsewhere the same on {basis}", at_kinks)
        if shared:
            names = ", ".join(sorted(shared))
            return Comparison("sharing", f"the same numbers on {basis}, in memory of {names}")
        return Comparison("agrees", f"presumed: the same on {basis}")

    def _differs(self, draw: Draw) -> tuple[str, bool, frozenset[str]]:
        """How the two differ in this draw; whether it was seen with 50 digits; what the mutant alone shares."""
        right = observe(self.right, draw)
        if right.error:
            return "", False, frozenset()
        wrong = observe(self.wrong, draw)
        found = contract(right, wrong, self.names) or overflow(right, wrong, self.names)
        sharing = wrong.shared - right.shared
        if found:
            return found, False, sharing
        truth, answer = self._exactly(draw)
        if truth is None or answer is None:
            double = right.values[0].dtype == np.float64
            return numbers(right, wrong, self.names, relative=_FLOAT) if double else "", False, sharing
        return numbers(truth, answer, self.names) or self._loss(truth, right, wrong), True, sharing

    def _exactly(self, draw: Draw) -> tuple[Observation | None, Observation | None]:
        if self.exact is None or draw.size > _LARGEST:
            return None, None
        # An error is no difference here: NumPy cannot compute everything with objects.
        truth = observe(self.exact[0], draw, exact=True)
        answer = truth if truth.error else observe(self.exact[1], draw, exact=True)
        return (None, None) if truth.error or answer.error else (truth, answer)

    def _loss(self, truth: Observation, right: Observation, wrong: Observation) -> str:
        """How the mutant, the same in algebra, loses digits that the original keeps; "" where it does not."""
        for k, (t, a, b) in enumerate(zip(truth.values, right.values, wrong.values, strict=False)):
            if t is None or not t.size or a.dtype != np.float64:
                continue
            exact, scale = t.astype(np.float64), float(np.abs(t.astype(np.float64)).max())
            with np.errstate(all="ignore"):
                before, after = (float(np.abs(x - exact).max()) / scale if scale else 0.0 for x in (a, b))
            if before < _SOUND and after > max(_FLOOR, _LOSS * before):
                label = ("the output", *(f"grad {name}" for name in self.names))[k]
                return f"{label} is off by {after:.1e} of its size where the original is by {before:.1e}"
        return ""

    def _only_here(self, draw: Draw, found: str) -> bool:
        """True where three tiny random steps away the two are the same."""
        if found.startswith(("raises", "edits")) or " nan " in found or " inf " in found or "gradients for" in found:
            return False
        rng = np.random.default_rng(draw.size)
        return all(not self._differs(moved)[0] for moved in (self._moved(draw, rng) for _ in range(3)))

    def _moved(self, draw: Draw, rng: np.random.Generator) -> Draw:
        inputs = []
        for array, argument in zip(draw.inputs, self.specification.arguments, strict=True):
            if array.dtype.kind != "f" or not argument.domain.continuous:
                inputs.append(array)
                continue
            step = array * rng.uniform(-1e-4, 1e-4, array.shape)
            if argument.domain.kind == "real":  # zeros must move as well
                step = step + rng.uniform(-1e-4, 1e-4, array.shape)
            low, high = argument.domain.minimum, argument.domain.maximum
            inputs.append(np.clip(array + step, low, high).astype(array.dtype))
        plain = ("C",) * len(draw.layouts)  # a step breaks the stride-0 layout
        return replace(draw, inputs=tuple(inputs), layouts=plain)


def draws(specification: Specification, subject: Subject, seed: int) -> Iterator[Draw]:
    """The calls to compare on; those that forward refuses are left out."""
    names = tuple(argument.name for argument in specification.arguments)
    for number in range(_ROUNDS):
        for k, plan in enumerate(round_of_plans(specification, (seed, number, 1))):
            layouts = (*plan.layouts[:-1], "C" if plan.layouts[-1] == "broadcast" else plan.layouts[-1])
            chosen = replace(plan, layouts=layouts, upstream="normal" if plan.upstream == "zero" else plan.upstream)
            whole = replace(
                plan,
                regimes=("ints" if k % 2 else "ties",) * len(names),
                layouts=("C",) * len(layouts),
                upstream="ints",
                tie_arguments=True,
            )
            for one in (chosen, whole):
                draw = _drawn(one, specification, subject, names)
                if draw is not None:
                    yield draw


def _drawn(plan: Plan, specification: Specification, subject: Subject, names: tuple[str, ...]) -> Draw | None:
    case = build(plan, specification)
    draw = Draw(names, case.inputs, None, case.layouts, case.params)
    output = observe(subject, draw)
    if output.error or output.values[0].dtype.kind != "f":
        return None
    value: Array = output.values[0]
    rng = np.random.default_rng((case.seed, 3))
    return replace(draw, grad_output=draw_upstream(case.upstream, value.shape, value.dtype, rng))


def _simplest(draw: Draw) -> tuple[bool, bool, int]:
    """Order of trying: a witness should have entries, plain numbers, and few of them."""
    empty = any(not array.size for array in draw.inputs)
    return empty, set(draw.layouts) != {"C"}, draw.size


def _text_of(bench: Bench) -> str:
    path = getattr(bench.module, "__file__", None)
    try:
        with open(path or "", encoding="utf-8") as file:  # noqa: PTH123 - "" is no file either
            return file.read()
    except OSError:
        return ""


def _witness(draw: Draw, found: str) -> Iterator[str]:
    params = "".join(f", {name}={value!r}" for name, value in draw.params.items())
    arrays = dict(zip((*draw.names, "grad_output"), (*draw.inputs, draw.grad_output), strict=True))
    yield f"{found}, at{params.removeprefix(',')}" if params else f"{found}, at"
    for (name, array), layout in zip(arrays.items(), draw.layouts, strict=False):
        if array is not None:
            how = "" if layout == "C" else f"  ({layout})"
            shown = literal(array) if array.size <= 24 else f"shape {array.shape}, {array.dtype}"
            yield f"  {name} = {shown}{how}"
