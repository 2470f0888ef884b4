"""When a backward goes wrong that is right on mild cases: one thing at a time is made mild, to see what matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.along import fits, leading_of, shape_of
from gradlab.verify.case import Case, build
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.laboratory import Laboratory
from gradlab.verify.diagnose.thresholds import pattern
from gradlab.verify.draws import signs
from gradlab.verify.plan import plain_plan

FailsAt = Callable[[Case], bool]

# Sizes at which code changes its path, tried in this order of interest.
_PROBED = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 0, 63, 64, 65, 99, 100, 101, 127, 128, 129)


@dataclass
class Circumstances:
    """A failing case, and the question whether a changed copy fails as well (`fails`)."""

    laboratory: Laboratory
    name: str
    case: Case
    fails: FailsAt

    @property
    def grad(self) -> str:
        """How sentences call what is wrong."""
        return f"grad {self.name}" if self.name in self.laboratory.names else (self.name or "backward")

    def ok(self, **changes: Any) -> bool:
        """True where the case with these changes passes."""
        return not self.laboratory.expired and not self.fails(replace(self.case, **changes))

    @property
    def leading(self) -> tuple[int, ...]:
        """What `...` stands for in the failing case."""
        specification = self.laboratory.specification
        for dims, array in zip(specification.signature.inputs, self.case.inputs, strict=True):
            if "..." in dims:
                return leading_of(specification, dims, array.shape, self.case.params)
        return ()

    def mild(
        self,
        sizes: Mapping[str, int] | None = None,
        params: Mapping[str, Any] | None = None,
        seed: int = 0,
        leading: tuple[int, ...] | None = None,
    ) -> Case:
        """Mild values, generic upstream, C order, at the sizes and parameters of the failing case or at others."""
        specification = self.laboratory.specification
        sizes = self.case.sizes if sizes is None else sizes
        leading = self.leading if leading is None else leading
        params = self.case.params if params is None else params
        inputs = specification.signature.inputs
        shapes = tuple(shape_of(specification, dims, sizes, leading, params) for dims in inputs)
        seed = self.laboratory.seed % (1 << 32) + 101 * seed + 7
        return build(plain_plan(specification, sizes, shapes, params, self.case.dtype, seed), specification)


def sizes_or_parameter(c: Circumstances) -> Diagnosis | None:
    """Mild values fail as well: sizes, rank or a parameter matter."""
    if not _fails_mildly(c):
        return None
    defaults = c.laboratory.defaults
    legal = dict(c.case.params) != defaults and c.laboratory.legal(c.case.sizes, defaults)
    if legal and _passes_mildly(c, params=defaults):
        return _parameter(c, defaults)
    return _empty(c) or _rank(c) or _count(c) or _equal(c) or _one_dimension(c)


def _fails_mildly(c: Circumstances, tries: int = 3, **more: Any) -> bool:
    """In every draw: a mask or a label that matters by chance is no matter of sizes."""
    return all(not c.laboratory.expired and c.fails(c.mild(seed=seed, **more)) for seed in range(tries))


def _passes_mildly(c: Circumstances, tries: int = 3, **more: Any) -> bool:
    return all(not c.laboratory.expired and not c.fails(c.mild(seed=seed, **more)) for seed in range(tries))


def _parameter(c: Circumstances, defaults: Mapping[str, Any]) -> Diagnosis:
    changed = [name for name in defaults if c.case.params[name] != defaults[name]]
    for name in changed:
        if _passes_mildly(c, params={**c.case.params, name: defaults[name]}):
            changed = [name]
            break
    shown = ", ".join(f"{name}={c.case.params[name]!r}" for name in changed)
    right = ", ".join(f"{name}={defaults[name]!r}" for name in changed)
    text = f"{c.grad} is wrong at {shown} and right at {right}, the default"
    return Diagnosis("parameter", text, f"check where backward uses {', '.join(changed)}", {"params": changed})


def _empty(c: Circumstances) -> Diagnosis | None:
    zero = [dim for dim, size in c.case.sizes.items() if not size]
    empty = [dim for dim in zero if _passes_mildly(c, sizes={**c.case.sizes, dim: 2}, tries=1)]
    if not empty and 0 not in c.leading:
        return None
    where = " and ".join(f"{dim} == 0" for dim in empty) or "a leading dimension is 0"
    text = f"{c.grad} is wrong for empty arrays: {where}"
    remedy = "return zeros of the argument's shape where there is nothing to sum; divide by max(n, 1)"
    return Diagnosis("sizes", text, remedy, {"sizes": dict(c.case.sizes)})


def _rank(c: Circumstances) -> Diagnosis | None:
    if not c.laboratory.specification.has_ellipsis:
        return None
    found = {}
    for leading in ((), (3,), (2, 3), (2, 3, 2)):
        if c.laboratory.expired:
            return None
        if not fits(c.laboratory.specification, leading, c.case.params):
            continue
        found[len(leading)] = _fails_mildly(c, leading=leading, tries=1)
    if all(found.values()) or not any(found.values()):
        return None
    words = pattern(found, "the number of leading axes")
    if not words:
        return None
    text = f"{c.grad} is wrong only where {words}"
    return Diagnosis(
        "sizes",
        text,
        "reduce over all leading axes: tuple(range(x.ndim - 1))",
        {"ranks": {str(rank): bad for rank, bad in found.items()}},
    )


def _count(c: Circumstances) -> Diagnosis | None:
    """Without any named dimension: how many elements there are."""
    if c.laboratory.dims or not c.laboratory.specification.has_ellipsis:
        return None
    found = {}
    for size in _PROBED:
        if c.laboratory.expired:
            break
        found[size] = _fails_mildly(c, leading=(size,), tries=1)
    words = pattern(found, "the number of elements")
    if not words:
        return None
    text = f"{c.grad} is wrong only where {words}"
    remedy = "check block sizes and unrolled loops: the rest needs its own code"
    return Diagnosis("sizes", text, remedy, {"probed": {str(size): bad for size, bad in found.items()}})


def _one_dimension(c: Circumstances) -> Diagnosis | None:
    ordinary = c.laboratory.sizes
    if ordinary is None:
        return None
    for dim in c.laboratory.dims:
        milder = {**c.case.sizes, dim: ordinary[dim] + (ordinary[dim] in c.case.sizes.values())}
        if milder[dim] == c.case.sizes[dim] or not c.laboratory.legal(milder, c.case.params):
            continue
        if not _passes_mildly(c, sizes=milder):
            continue
        probed = dict(_probe(c, dim))
        words = pattern(probed, dim) or f"{dim} == {c.case.sizes[dim]}"
        text = f"{c.grad} is wrong only where {words}, whatever the values"
        remedy = f"check what differs there: a shortcut, a squeeze, a block or an unrolled loop over {dim}"
        return Diagnosis("sizes", text, remedy, {"probed": {str(size): bad for size, bad in probed.items()}})
    return None


def _probe(c: Circumstances, dim: str) -> Iterator[tuple[int, bool]]:
    failing = c.case.sizes[dim]
    yield failing, True
    for size in sorted(_PROBED, key=lambda size: abs(size - failing)):
        sizes = {**c.case.sizes, dim: size}
        if size == failing or not size or not c.laboratory.legal(sizes, c.case.params):
            continue
        if c.laboratory.expired:
            return
        yield size, c.fails(c.mild(sizes))


def _equal(c: Circumstances) -> Diagnosis | None:
    """Wrong only where two dimensions are equal: a square matrix hides the mistake from its author's shape check."""
    sizes = c.case.sizes
    for a in c.laboratory.dims:
        for b in c.laboratory.dims:
            if a >= b or sizes[a] != sizes[b]:
                continue
            seen: list[tuple[bool, bool]] = []
            for first, second in ((3, 3), (3, 4), (4, 4), (4, 3), (5, 5), (5, 4)):
                candidate = {**sizes, a: first, b: second}
                if c.laboratory.legal(candidate, c.case.params) and not c.laboratory.expired:
                    seen.append((first == second, _fails_mildly(c, sizes=candidate, tries=1)))
                    if seen[-1][0] != seen[-1][1]:
                        break
            if len(seen) >= 4 and all(equal == bad for equal, bad in seen):
                text = f"{c.grad} is wrong only where {a} == {b}"
                remedy = f"decide by position, not by comparing shapes: {a} and {b} may be equal"
                return Diagnosis("sizes", text, remedy, {"equal": [a, b]})
    return _equal_leading(c)


def _equal_leading(c: Circumstances) -> Diagnosis | None:
    """The same for a leading axis and a named dimension."""
    for dim, size in c.case.sizes.items():
        if not c.leading or c.leading[-1] != size:
            continue
        seen: list[tuple[bool, bool]] = []
        for first, second in ((3, 3), (3, 4), (4, 4), (4, 3)):
            candidate = {**c.case.sizes, dim: second}
            if c.laboratory.legal(candidate, c.case.params) and not c.laboratory.expired:
                leading = (*c.leading[:-1], first)
                seen.append((first == second, _fails_mildly(c, sizes=candidate, leading=leading, tries=1)))
        if len(seen) == 4 and all(equal == bad for equal, bad in seen):
            text = f"{c.grad} is wrong only where the axis before it is as long as {dim}"
            return Diagnosis(
                "sizes", text, "check keepdims and broadcasting: the axes may be equal", {"probed": len(seen)}
            )
    return None


def without_upstream(c: Circumstances) -> Array | None:
    """A generic upstream gradient for the failing case's output."""
    if c.case.grad_output is None or not c.case.grad_output.size:
        return None
    rng = np.random.default_rng(3)
    units = signs(rng, c.case.grad_output.shape)
    return np.asarray(units * rng.uniform(0.3, 0.9, size=units.shape)).astype(c.case.grad_output.dtype)
