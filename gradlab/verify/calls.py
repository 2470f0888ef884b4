"""The only door through which the code under test is called: errors become values, warnings stay inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array, Inputs, Parameters, Subject


@dataclass(slots=True)  # not frozen: a case makes seventy, and freezing triples the price of each
class Forward:
    """What forward gave: the output as an array with `saved`, or what is wrong: "raises …" or "returns …"."""

    output: Array
    saved: Any = None
    error: str = ""


@dataclass(slots=True)
class Caller:
    """Calls the subject, counts the calls, and turns whatever it raises into text.

    `isolate` hands out copies, for subjects that are allowed to edit their arguments.
    """

    subject: Subject
    isolate: bool = False
    forwards: int = field(default=0)
    backwards: int = field(default=0)

    def forward(self, inputs: Inputs, params: Parameters) -> Forward:
        """Run forward; the output is converted to an array, nothing else is repaired."""
        self.forwards += 1
        if self.isolate:
            inputs = [np.array(array, order="K") for array in inputs]
        try:
            output, saved = self.subject.forward(inputs, params)
            wrong = not_an_array(output)
            array = np.empty(0) if wrong else np.asarray(output)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # exit() inside a subject raises SystemExit, which is no Exception
            return Forward(np.empty(0), None, f"raises {describe(error)}")
        if not wrong and array.dtype.kind not in "fiub":
            wrong = f"{array.dtype} numbers; a real array is expected"
        return Forward(np.empty(0), None, f"returns {wrong}") if wrong else Forward(array, saved)

    def backward(self, grad_output: Array, inputs: Inputs, saved: Any, params: Parameters) -> tuple[Any, str]:
        """Run backward; gives what it returned, or None and the error."""
        self.backwards += 1
        if self.isolate:
            grad_output, inputs = np.array(grad_output, order="K"), [np.array(array, order="K") for array in inputs]
        try:
            return self.subject.backward(grad_output, inputs, saved, params), ""
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return None, describe(error)

    def gradients(self, inputs: Inputs, grad_output: Array, params: Parameters) -> list[Array | None]:
        """Forward, then backward, each gradient as a float64 array; None for what is missing or raises.

        Forward is run anew every time: a stateful backward would otherwise answer for an older call.
        """
        forward = self.forward(inputs, params)
        returned, error = (
            (None, forward.error) if forward.error else self.backward(grad_output, inputs, forward.saved, params)
        )
        if error:
            return [None] * len(inputs)
        return numeric(listed(returned, len(inputs)), [array.shape for array in inputs])


def describe(error: BaseException) -> str:
    """`ValueError: text`, on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


def listed(returned: Any, count: int) -> list[Any]:
    """The gradients as a list: a bare array stands for a single argument."""
    if isinstance(returned, tuple | list):
        return list(returned)
    return [returned] if count == 1 or returned is not None else []


def numeric(gradients: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> list[Array | None]:
    """Each gradient as float64 where it is a real array of its argument's shape, else None."""
    result: list[Array | None] = []
    for k, shape in enumerate(shapes):
        gradient = gradients[k] if k < len(gradients) else None
        array = None if not_an_array(gradient) else np.asarray(gradient)
        usable = array is not None and array.dtype.kind in "fiub" and array.shape == shape
        result.append(array.astype(np.float64) if usable and array is not None else None)
    return result


_NUMERIC = (np.ndarray, np.generic, float, int)


def not_an_array(value: object) -> str:
    """What a value is instead of an array or a number, and what to do; "" for arrays and numbers.

    >>> not_an_array([1.0])
    'a list; an array is expected'
    """
    if isinstance(value, _NUMERIC):
        return ""
    kind = "nothing (None)" if value is None else f"a {type(value).__name__}"
    library = next((kind.__module__.partition(".")[0] for kind in type(value).__mro__), "").removesuffix("lib")
    if library in ("torch", "jax"):
        return f"{kind} of {library}; gradlab.{library}.check takes such functions, this one takes NumPy arrays"
    if isinstance(value, tuple):
        return "a tuple; one array is expected, and for (output, cache) see gradlab.from_cached"
    return f"{kind}; an array is expected"


@contextmanager
def quiet() -> Iterator[None]:
    """Warnings and floating-point flags of the code under test neither print nor raise."""
    import warnings

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
