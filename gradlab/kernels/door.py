"""The check at the door of a kernel: the arrays must have the shapes and dtypes of its signature.

Derived from the operation's record, so that a new operation needs no check of its own. Works on whatever has a shape
and a dtype, NumPy arrays and torch tensors alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradlab.errors import DtypeError, ShapeError
from gradlab.operation import ELLIPSIS, Argument, Operation

Shape = tuple[int, ...]

_WORDS = {"n": "rows", "i": "features", "d": "features", "c": "channels", "o": "outputs"}
"""What the usual dimensions of a signature count; others are called by their letter."""


def check_inputs(operation: Operation, arrays: Sequence[Any], names: Sequence[str], shown: Sequence[Shape]) -> None:
    """Raise ShapeError or DtypeError unless a kernel can take these arrays.

    `names` are the caller's names of the arguments, `shown` the shapes that the caller knows them by.
    """
    if len(arrays) != len(operation.arguments):
        expected = ", ".join(argument.name for argument in operation.arguments)
        raise ShapeError(f"{operation.name}: {len(arrays)} arrays ({', '.join(names)}) for the arguments {expected}")
    _check_dtypes(operation, arrays, names)
    _check_shapes(operation, arrays, names, shown)


def check_upstream(name: str, grad_output: Any, shape: Shape, dtype: Any) -> None:
    """Raise unless an upstream gradient has the shape and the kind of dtype that the output had."""
    if tuple(grad_output.shape) != shape:
        raise ShapeError(
            f"{name}: grad_output is {tuple(grad_output.shape)}, the output was {shape}; "
            "backward takes the gradient of the last output"
        )
    if grad_output.dtype != dtype:
        raise DtypeError(f"{name}: grad_output is {grad_output.dtype}, the output was {dtype}; cast grad_output")


def _check_dtypes(operation: Operation, arrays: Sequence[Any], names: Sequence[str]) -> None:
    first: tuple[str, Any] | None = None
    for argument, array, name in zip(operation.arguments, arrays, names, strict=True):
        kind = _kind(array.dtype)
        if argument.domain.kind in ("labels", "integers"):
            if kind != "i":
                raise DtypeError(f"{operation.name}: {name} is {array.dtype}; integers are expected: cast it to int64")
        elif _floating(argument):
            if kind not in "fc":
                raise DtypeError(f"{operation.name}: {name} is {array.dtype}; floats are expected: cast it to float32")
            if first is None:
                first = name, array.dtype
            elif array.dtype != first[1]:
                raise DtypeError(
                    f"{operation.name}: {first[0]} is {first[1]}, {name} is {array.dtype}; cast one of the two"
                )


def _floating(argument: Argument) -> bool:
    return argument.differentiable or argument.domain.continuous


def _kind(dtype: Any) -> str:
    """One letter: f, c, i or b, as NumPy has it; torch's dtypes answer by their own properties."""
    kind = getattr(dtype, "kind", None)
    if kind is not None:
        return "i" if kind == "u" else str(kind)
    if dtype.is_floating_point:
        return "f"
    return "c" if dtype.is_complex else "b" if str(dtype) == "torch.bool" else "i"


def _check_shapes(operation: Operation, arrays: Sequence[Any], names: Sequence[str], shown: Sequence[Shape]) -> None:
    sizes: dict[str, tuple[int, int]] = {}
    leading: tuple[int, Shape] | None = None
    for position, (dims, array) in enumerate(zip(operation.signature.inputs, arrays, strict=True)):
        shape = tuple(array.shape)
        named = [dim for dim in dims if dim != ELLIPSIS]
        if len(shape) < len(named) or (len(shape) > len(named) and ELLIPSIS not in dims):
            raise ShapeError(
                f"{operation.name}: {names[position]} is {shown[position]}; "
                f"{'at least ' * (ELLIPSIS in dims)}{len(named)} dimensions are expected: ({', '.join(dims)})"
            )
        if ELLIPSIS in dims and not operation.broadcast:
            own = shape[: len(shape) - len(named)]
            if leading is not None and own != leading[1]:
                known, other = leading
                raise ShapeError(
                    f"{operation.name}: {names[known]} is {shown[known]}, {names[position]} is {shown[position]}; "
                    f"{own} should be {other}"
                )
            leading = leading or (position, own)
        for dim, size in zip(named, shape[len(shape) - len(named) :], strict=True):
            if dim.isdigit():
                if size != int(dim):
                    raise ShapeError(f"{operation.name}: {names[position]} is {shown[position]}; {dims} is expected")
            elif sizes.setdefault(dim, (position, size))[1] != size:
                known, other = sizes[dim]
                raise ShapeError(
                    f"{operation.name}: {names[known]} has {_count(other, dim)}, {names[position]} expects {size} "
                    f"({names[position]} is {shown[position]}); {names[known]} is {shown[known]}"
                )


def _count(size: int, dim: str) -> str:
    return f"{size} {_WORDS[dim]}" if dim in _WORDS else f"{size} along {dim}"


def one_number(name: str, value: int | Sequence[int]) -> int:
    """A setting of windows as the one number that the kernels take: 3 and (3, 3) are 3.

    Raises ValueError for windows that are not square, and for words such as padding="same".
    """
    numbers = {value} if isinstance(value, int) else set(value)
    if len(numbers) != 1 or not all(isinstance(number, int) for number in numbers):
        raise ValueError(f"{name}={value!r}; the derived kernels take one whole number for all axes: {name}=1, say")
    return numbers.pop()
