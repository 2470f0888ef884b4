"""The decorator: a NumPy-style function that also knows its formula, its derivation and its definition."""

from __future__ import annotations

import inspect
import math
import random
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, update_wrapper
from pathlib import Path
from types import FrameType
from typing import Any, Generic, ParamSpec

import mpmath
import numpy as np

import gradlab.symbolic.trace.functions  # noqa: F401 - gives SymbolicArray its functions
from gradlab.errors import FormulaError, SignatureError
from gradlab.operation import ELLIPSIS, Domain, Parameter, Signature
from gradlab.symbolic.definition import Definition
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.formula import formula, parse
from gradlab.symbolic.formula.build import FUNCTIONS
from gradlab.symbolic.formula.names import CONSTANTS, resolve
from gradlab.symbolic.formula.stable import proved
from gradlab.symbolic.read import read
from gradlab.symbolic.rings import Digits
from gradlab.symbolic.scope import RESERVED, RESERVED_PREFIXES
from gradlab.symbolic.trace import values
from gradlab.symbolic.trace.arrays import SymbolicArray
from gradlab.symbolic.trace.values import Value
from gradlab.symbolic.trace.writer import formula_text
from gradlab.symbolic.worked import floats, small_point

P = ParamSpec("P")

_TOLERANCE = 1e-6
_ATTEMPTS = 20
_POINTS = 3


def traced(
    signature: str, *, wrt: Collection[str] = (), domains: Mapping[str, Domain] | None = None
) -> Callable[[Callable[P, Any]], Traced[P]]:
    """Trace an ordinary NumPy-style function over symbolic axes, into the let-chain of a formula.

    `signature` gives the shapes as `gradlab.check` takes them: one for each array, and that of the result. Parameters
    with a float above 0 as default become parameters of the formula, verified from a tenth of to twice the default;
    any other default (`axis=-1`) is a constant. `wrt` names the arguments that have a gradient, by default all that
    hold real numbers; `domains` says where arguments live.

    The function is called once, with arrays that record what NumPy is asked to do; what has no formula (a loop, a
    branch on a value, np.cumsum) raises FormulaError with the line of the function. The formula is then compared with
    the function in numbers. Values that have a name in the function keep it.

    Raises SignatureError for a signature that does not fit the function, when it is applied; all else at the first use.

    `gradlab derive layer.py` and `gradlab verify layer.py` find traced functions at the top level of a file.

    >>> import numpy as np
    >>> from gradlab.symbolic import traced
    >>> @traced("(n,d),(d)->(n,d)")
    ... def rms_norm(x, gain, eps=1e-5):
    ...     scale = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    ...     return gain * x / scale
    >>> print(rms_norm.formula)
    scale[n] = sqrt(mean[d](x[n,d]**2) + eps)
    y[n,d] = gain[d]*x[n,d]/scale[n]
    >>> rms_norm(np.array([[3.0, 4.0]]), np.ones(2)).round(3)
    array([[0.849, 1.131]])
    """
    shapes = Signature.parse(signature)
    for shape in (*shapes.inputs, shapes.output or ()):
        odd = next((dim for dim in shape if dim == ELLIPSIS or dim.isdigit()), None)
        if odd is not None:
            raise SignatureError(
                f"signature {signature!r}: {odd} has no name; a traced function needs one for each axis"
            )
    return lambda function: Traced(function, shapes, tuple(wrt), dict(domains or {}))


class Traced(Generic[P]):
    """A traced function: called, it is the function itself; the rest is derived at its first use."""

    def __init__(
        self, function: Callable[P, Any], signature: Signature, wrt: tuple[str, ...], domains: dict[str, Domain]
    ) -> None:
        self._function: Callable[..., Any] = function
        self._signature, self._wrt, self._domains = signature, wrt, domains
        arguments = list(inspect.signature(function).parameters.values())
        count = len(signature.inputs)
        if len(arguments) < count or any(rest.default is rest.empty for rest in arguments[count:]):
            shown = ", ".join(str(argument) for argument in arguments)
            raise SignatureError(
                f"{function.__name__}({shown}): signature '{signature}' has {count} inputs; "
                "give one shape for each argument that has no default"
            )
        self._arrays = {argument.name: axes for argument, axes in zip(arguments, signature.inputs, strict=False)}
        self._defaults = {argument.name: argument.default for argument in arguments[count:]}
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """The function, untouched."""
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<traced {self._function.__name__}: {self._signature}>"

    @property
    def name(self) -> str:
        """What the operation is called: as the function, in lower case."""
        return re.sub(r"\W", "_", self._function.__name__).lower().strip("_") or "traced"

    @cached_property
    def formula(self) -> str:
        """A line for each value; raises FormulaError for what has no formula."""
        output, names = self._graph()
        return formula_text(output, names, {*self._arrays, *self._parameters})

    @cached_property
    def definition(self) -> Definition:
        """The definition of an operation; raises FormulaError where the function is something else in numbers."""
        named = parse(self.formula)
        wrt = self._wrt or [name for name in self._arrays if name not in resolve(named).labels]
        found = formula(self.formula, name=self.name, wrt=wrt, parameters=self._parameters, domains=self._domains)
        self._compare(found)
        return replace(found, function=self._function)

    @cached_property
    def derivation(self) -> Derivation:
        """Jacobian, VJP and JVP, proved; raises ProofError."""
        return proved(self.definition)[0]

    @property
    def _parameters(self) -> dict[str, Parameter]:
        return {
            name: Parameter(name, default, default / 10, default * 2)
            for name, default in self._defaults.items()
            if isinstance(default, float) and 0 < default < math.inf
        }

    # Tracing ---------------------------------------------------------------------------------------------------------

    def _graph(self) -> tuple[Value, dict[Value, str]]:
        """What the function returns, and the names that its variables gave to values."""
        inputs = [SymbolicArray(values.given(name, axes)) for name, axes in self._arrays.items()]
        scalars = {name: SymbolicArray(values.given(name, ())) for name in self._parameters}
        frames: list[FrameType] = []
        try:
            with _recorded(self._function, frames):
                result = self._function(*inputs, **scalars)
        except Exception as error:
            shown = "" if isinstance(error, FormulaError) else f"{type(error).__name__}: "
            raise FormulaError(f"{self._place(error)}: {shown}{error}") from error
        if not isinstance(result, SymbolicArray):
            raise FormulaError(
                f"{self._function.__name__} returns a {type(result).__name__}; a formula has one output, an array"
            )
        self._check_shape(result)
        variables = frames[-1].f_locals if frames else {}
        return result.value, self._names(variables)

    def _names(self, variables: Mapping[str, Any]) -> dict[Value, str]:
        taken = {*self._arrays, *self._parameters, *FUNCTIONS, *CONSTANTS, *RESERVED, "sum", "mean", "delta"}
        taken |= {dim.lower() for dim in self._signature.dims}
        return {
            item.value: name
            for name, item in variables.items()
            if isinstance(item, SymbolicArray) and not item.value.view and name.isascii()
            if name not in taken and not name.startswith(RESERVED_PREFIXES)
        }

    def _check_shape(self, result: SymbolicArray) -> None:
        wanted = self._signature.output
        if wanted is not None and wanted != result.value.axes:
            raise FormulaError(
                f"{self._function.__name__} returns an array of shape {values.shape_text(result.value.axes)}; "
                f"signature '{self._signature}' says {values.shape_text(wanted)}"
            )
        if None in result.value.axes:
            raise FormulaError(
                f"{self._function.__name__} returns an array of shape {values.shape_text(result.value.axes)}; "
                "drop the axis of size 1"
            )

    def _place(self, error: BaseException) -> str:
        """The line of the function at which it came to this."""
        code = getattr(self._function, "__code__", None)
        trace, line = error.__traceback__, 0
        while trace is not None:
            if trace.tb_frame.f_code is code:
                line = trace.tb_lineno
            trace = trace.tb_next
        return f"{Path(code.co_filename).name}:{line}" if code is not None and line else self._function.__name__

    # Comparing -------------------------------------------------------------------------------------------------------

    def _compare(self, definition: Definition) -> None:
        """The function and the formula in numbers, at a few small points."""
        program, rng, seen = read(definition), random.Random(0), 0
        for attempt in range(_ATTEMPTS):
            sizes = {axis: 2 + (k + attempt) % 3 for k, axis in enumerate(program.axes)}
            with mpmath.workdps(Digits.digits):
                point = small_point(program, sizes, rng, {})
            if point is None:
                continue
            inputs = [np.array(floats(point.tensors[name])) for name in self._arrays]
            expected = floats(np.asarray(point.tensors[program.output.name], dtype=object))
            found = self._called(inputs)
            shape = point.shape(program.output.indices)
            expected = np.broadcast_to(expected, shape)
            if found.shape != shape or not np.allclose(found, expected, rtol=_TOLERANCE, atol=_TOLERANCE):
                raise FormulaError(
                    f"{self._function.__name__} is not what its trace says: for inputs {_shown(inputs)} it returns "
                    f"{_shown([found])}, and its formula gives {_shown([expected])}; a trace does not see branches on "
                    f"types, random numbers and state\n{self.formula}"
                )
            seen += 1
            if seen == _POINTS:
                return
        if not seen:
            raise FormulaError(
                f"{self._function.__name__}: no small numbers at which its formula is defined; say with domains= where "
                f"its arguments live\n{self.formula}"
            )

    def _called(self, inputs: list[Any]) -> Any:
        for array in inputs:
            array.flags.writeable = False  # a formula cannot say that a function changes what it is given
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self._function(*inputs))
        except Exception as error:
            raise FormulaError(
                f"{self._function.__name__}: with arrays of shapes {', '.join(str(i.shape) for i in inputs)} it raises "
                f"{type(error).__name__}: {error}; correct it, or the signature '{self._signature}'"
            ) from error


def _shown(arrays: list[Any]) -> str:
    return ", ".join(" ".join(np.array2string(array, precision=4, threshold=12).split()) for array in arrays)


@contextmanager
def _recorded(function: Callable[..., Any], frames: list[FrameType]) -> Iterator[None]:
    """Collect the frame of the function as it returns, for the names of its variables."""
    code, before = getattr(function, "__code__", None), sys.getprofile()

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if event == "return" and frame.f_code is code:
            frames.append(frame)

    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)
