"""What the code under test does to its process: each call is written down, and global state is put back after it."""

from __future__ import annotations

import marshal
import math
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradlab.adapters.subject import Inputs, Parameters, Subject
from gradlab.verify.flat import finding
from gradlab.verify.leftovers import running
from gradlab.verify.state import DRAW, SLOW

# Room for the arrays of one call; of larger calls the shapes are kept.
BOX_BYTES = 1 << 16


def _torch_dtype() -> object:
    torch = sys.modules.get("torch")
    return torch.get_default_dtype() if torch is not None and hasattr(torch, "get_default_dtype") else None


def _set_torch_dtype(dtype: Any) -> None:
    if dtype is not None:
        sys.modules["torch"].set_default_dtype(dtype)


def _set_filters(filters: Any) -> None:
    warnings.resetwarnings()
    warnings.filters.extend(filters)  # type: ignore[attr-defined] # a list, whatever typeshed calls it


def _set_errors(errors: Any) -> None:
    np.seterr(**errors)


def _filters() -> tuple[Any, ...]:
    return tuple(warnings.filters)


# What is watched, how it is read and put back, and what to do instead of changing it.
_STATES: tuple[tuple[str, Callable[[], Any], Callable[[Any], None], str], ...] = (
    ("np.seterr", np.geterr, _set_errors, "use `with np.errstate(...)`"),
    ("warnings.filters", _filters, _set_filters, "use `with warnings.catch_warnings()`"),
    ("the working directory", os.getcwd, os.chdir, "build paths from __file__"),
    ("torch's default dtype", _torch_dtype, _set_torch_dtype, "pass dtype= instead"),
)


def _snapshot() -> tuple[Any, ...]:
    # Twice for each of thousands of calls: no loop.
    return np.geterr(), _filters(), os.getcwd(), _torch_dtype()  # noqa: PTH109 - Path takes ten times as long


# A function that draws from a global generator, or sets a variable, does so in its first calls or in most of them.
_FIRST_CALLS = 8


@dataclass(slots=True)
class Watch:
    """Notes which global state calls leave changed. `box`, shared with the parent process, holds the call that runs."""

    box: Any = None
    source: str = ""
    names: Sequence[str] = ()
    changes: dict[tuple[str, str, str], str] = field(default_factory=dict)
    phase: str = ""
    calls: dict[str, int] = field(default_factory=dict)
    before: dict[object, str] = field(default_factory=running)

    def subject(self, subject: Subject, names: Sequence[str]) -> Subject:
        """The same subject, watched."""
        self.source, self.names = subject.source, (*names, "grad_output")

        def forward(inputs: Inputs, params: Parameters) -> tuple[Any, Any]:
            self._write("forward", inputs, params)
            return self._watched("forward", subject.forward, inputs, params)  # type: ignore[no-any-return]

        def backward(grad_output: Any, inputs: Inputs, saved: Any, params: Parameters) -> Any:
            self._write("backward", [*inputs, grad_output], params)
            return self._watched("backward", subject.backward, grad_output, inputs, saved, params)

        return replace(subject, forward=forward, backward=backward)

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Compare global state before and after, and put it back; a library that is loaded may filter its warnings."""
        before, self.phase, loaded = _snapshot(), phase, {*sys.modules}
        try:
            yield
        finally:
            self.phase = ""
            errors, filters, *others = before
            now = _filters()
            if filters == tuple(item for item in now if item[2].__module__ in loaded):
                filters = now
            self._compare(phase, (errors, filters, *others))

    def _watched(self, phase: str, call: Callable[..., Any], *args: Any) -> Any:
        count = self.calls[phase] = self.calls.get(phase, 0) + 1
        # All of the first calls and every 16th, 32nd, 64th, …
        slow = [state.read() for state in SLOW] if count <= _FIRST_CALLS or not count & (count - 1) else None
        before, self.phase, modules = _snapshot(), phase, len(sys.modules)  # as `during`, at half the cost
        try:
            return call(*args)
        finally:
            self.phase = ""
            if len(sys.modules) != modules:  # libraries set filters and variables when they are loaded
                phase = f"an import in {phase}"
            self._compare(phase, before)
            if slow is not None:
                self._compare_slow(phase, slow)

    def _compare_slow(self, phase: str, before: Sequence[Any]) -> None:
        for state, old in zip(SLOW, before, strict=True):
            if old is not None and state.read() != old:
                self.changes.setdefault((phase, state.verb, state.name), state.remedy)
                state.restore(old)

    def _compare(self, phase: str, before: tuple[Any, ...]) -> None:
        after = _snapshot()
        if after == before:
            return
        for (name, _, restore, remedy), old, new in zip(_STATES, before, after, strict=True):
            # What was not there before is no change: torch is imported late.
            if old is not None and new != old:
                self.changes.setdefault((phase, "changes", name), remedy)
                restore(old)

    def seed_wrapper(self, name: str, seed: Callable[..., None]) -> Callable[..., None]:
        """`seed`, noting calls that come from the code under test."""

        def noted(*args: Any, **options: Any) -> None:
            if self.phase:
                self.changes.setdefault((self.phase, "changes", name), DRAW)
            seed(*args, **options)

        return noted

    def findings(self) -> list[dict[str, Any]]:
        """What was noted, then forgotten.

        A failure for what forward and backward leave changed; a note for what imports change, for drawing from a
        global generator, and for threads and processes that still run.
        """
        found = [
            finding(f"{phase} {verb} {name}{_WHOLE[verb]}; {remedy}", severity=_severity(phase, verb))
            for (phase, verb, name), remedy in self.changes.items()
        ]
        left = self.left()
        if left:
            claim = f"leaves running: {', '.join(left[:3])}{', …' if len(left) > 3 else ''}; end them before returning"
            found.append(finding(claim, severity="note"))
        self.changes.clear()
        return found

    def left(self) -> list[str]:
        """Threads and processes that were not there when the job began."""
        return [name for key, name in running().items() if key not in self.before]

    def forget(self) -> None:
        """A new job begins: no call has been made yet."""
        self.calls.clear()
        self.before = running()
        if self.box is not None:
            self.box[:4] = bytes(4)

    def _write(self, half: str, arrays: Sequence[Any], params: Parameters) -> None:
        if self.box is None:
            return
        room = BOX_BYTES - 1024 - len(self.source)
        kept = sum(array.nbytes for array in arrays) < room
        shown = tuple(
            (name, array.dtype.str, array.shape, array.tobytes() if kept else b"")
            for name, array in zip(self.names, arrays, strict=False)
        )
        # Seven times as fast as pickle.
        content = marshal.dumps((half, shown, repr(dict(params)), self.source))
        if len(content) <= BOX_BYTES - 4:
            self.box[: 4 + len(content)] = len(content).to_bytes(4, "little") + content


_WHOLE = {"changes": " for the whole process", "draws from": ""}


def _severity(phase: str, verb: str) -> str:
    return "note" if phase.startswith(("import", "an import")) or verb == "draws from" else "failure"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the code under test: its half, its arrays by name (or their shapes), its parameters, its source."""

    half: str
    arrays: tuple[tuple[str, Any], ...]
    params: str
    source: str


def last_call(box: Any) -> Call | None:
    """The call that ran when its process died, or None where none had begun."""
    length = int.from_bytes(bytes(box[:4]), "little")
    try:
        half, shown, params, source = marshal.loads(bytes(box[4 : 4 + length]))
    except (EOFError, ValueError, TypeError):  # nothing, or it died while it wrote
        return None
    return Call(half, tuple((name, _array(*how)) for name, *how in shown), params, source)


def _array(dtype: str, shape: tuple[int, ...], content: bytes) -> Any:
    size = math.prod(shape)
    if size and not content:
        return f"{np.dtype(dtype)} array of shape {shape}"
    return np.frombuffer(content, dtype).reshape(shape) if size else np.zeros(shape, dtype)


WATCH = Watch()
"""The watch of this process; without a box it only compares."""


def watch_seeds() -> None:
    """From now on, calls of the global seed functions are noted; before the code under test is imported."""
    random.seed = WATCH.seed_wrapper("random's seed", random.seed)
    np.random.seed = WATCH.seed_wrapper("NumPy's global seed", np.random.seed)
