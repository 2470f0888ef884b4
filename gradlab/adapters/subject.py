"""The one shape that every forward/backward pair takes before it is verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Inputs = Sequence[Array]
Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """A forward and its backward under test, in one calling convention.

    `forward(inputs, params)` gives `(output, saved)`; `backward(grad_output, inputs, saved, params)` gives whatever the
    code under test returns, unrepaired. `saved_arrays` lists the arrays inside `saved`, so that purity can be judged.
    `extended` says whether forward may be called in `np.longdouble`. `source` lines make `forward(*inputs)` and
    `backward(grad_output, *inputs)` available to a standalone reproduction.
    """

    name: str
    forward: Callable[[Inputs, Parameters], tuple[Any, Any]]
    backward: Callable[[Any, Inputs, Any, Parameters], Any]
    saved_arrays: Callable[[Any], list[Array]]
    extended: bool = True
    source: str = ""

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        """Unpacks to the two-function form: `gradlab.check(*subject, signature)`."""
        yield _Half(self, self._plain_forward)
        yield _Half(self, self._plain_backward)

    def _plain_forward(self, *inputs: Array, **params: Any) -> Any:
        return self.forward(inputs, params)[0]

    def _plain_backward(self, grad_output: Array, *inputs: Array, **params: Any) -> Any:
        _, saved = self.forward(inputs, params)
        return self.backward(grad_output, inputs, saved, params)


@dataclass(frozen=True, slots=True)
class _Half:
    """One half of an unpacked subject; remembers the whole, so that `check` sees the saved arrays as well."""

    subject: Subject
    call: Callable[..., Any]

    def __call__(self, *args: Any, **params: Any) -> Any:
        return self.call(*args, **params)


def subject_of(forward: Callable[..., Any], backward: Callable[..., Any]) -> Subject | None:
    """The subject that both halves were unpacked from, or None for two ordinary functions."""
    if isinstance(forward, _Half) and isinstance(backward, _Half) and forward.subject is backward.subject:
        return forward.subject
    return None


def arrays_within(value: Any) -> list[Array]:
    """Every NumPy array inside nested tuples, lists and dictionaries."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [array for item in value for array in arrays_within(item)]
    return []


def import_line(function: Callable[..., Any], alias: str) -> str:
    """A line that imports `function` under `alias`; where it cannot be imported, a comment that says what to paste."""
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "")
    if module in (None, "__main__") or not name.replace(".", "").isidentifier():
        return f"# paste your {alias} here: it was {name or function!r}"
    head, _, rest = name.partition(".")
    tail = f".{rest}" if rest else ""
    return (
        f"from {module} import {head}\n{alias} = {head}{tail}"
        if tail or head != alias
        else f"from {module} import {head}"
    )
