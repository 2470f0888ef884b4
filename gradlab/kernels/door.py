"""The check at the door of a kernel: the arrays must have the shapes and dtypes of its signature.

Derived from the operation's record, so that a new operation needs no check of its own. Works on whatever has a shape
and a dtype, NumPy arrays and torch tensors alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from gradlab.errors import DtypeError, ShapeError
from gradlab.operation import ELLIPSIS, Argument, Operation, Packed

Shape = tuple[int, ...]

_WORDS = {"n": "rows", "i": "features", "d": "features", "c": "channels", "o": "outputs"}
"""What the usual dimensions of a signature count; others are called by their letter."""


def check_inputs(
    operation: Operation,
    arrays: Sequence[Any],
    names: Sequence[str],
    shown: Sequence[Shape] | None,
    parameters: Mapping[str, Any],
    *,
    anew: bool = False,
) -> None:
    """Raise ShapeError or DtypeError unless a kernel can take these arrays with these keyword parameters.

    `names` are the caller's names of the arguments, `shown` the shapes that the caller knows them by, where these are
    not the arrays' own. What has passed before passes at once, as a network sees the same shapes in every step; `anew`
    forgoes that for torch.compile, which cannot follow it.
    """
    groups = 1 if operation.packed is None else int(parameters.get(operation.packed.groups, 1))
    shapes, dtypes = tuple([array.shape for array in arrays]), tuple([array.dtype for array in arrays])
    (_check if anew else _passed)(operation, shapes, dtypes, tuple(names), tuple(shown or shapes), groups)


def check_upstream(name: str, grad_output: Any, shape: Shape, dtype: Any) -> None:
    """Raise unless an upstream gradient has the shape and the kind of dtype that the output had."""
    if tuple(grad_output.shape) != shape:
        raise ShapeError(
            f"{name}: grad_output is {tuple(grad_output.shape)}, the output was {shape}; "
            "backward takes the gradient of the last output"
        )
    if grad_output.dtype != dtype:
        raise DtypeError(f"{name}: grad_output is {grad_output.dtype}, the output was {dtype}; cast grad_output")


def _check(
    operation: Operation,
    shapes: Sequence[Shape],
    dtypes: Sequence[Any],
    names: Sequence[str],
    shown: Sequence[Shape],
    groups: int,
) -> None:
    if len(shapes) != len(operation.arguments):
        expected = ", ".join(argument.name for argument in operation.arguments)
        raise ShapeError(f"{operation.name}: {len(shapes)} arrays ({', '.join(names)}) for the arguments {expected}")
    shapes, shown = [tuple(shape) for shape in shapes], [tuple(shape) for shape in shown]
    _check_dtypes(operation, dtypes, names)
    sizes = _check_shapes(operation, shapes, names, shown)
    if operation.packed is not None:
        _check_groups(operation, operation.packed, sizes, names, shown, groups)


_passed = lru_cache(maxsize=4096)(_check)


def _check_dtypes(operation: Operation, dtypes: Sequence[Any], names: Sequence[str]) -> None:
    first: tuple[str, Any] | None = None
    for argument, dtype, name in zip(operation.arguments, dtypes, names, strict=True):
        kind = _kind(dtype)
        if argument.domain.kind in ("labels", "integers"):
            if kind != "i":
                raise DtypeError(f"{operation.name}: {name} is {dtype}; integers are expected: cast it to int64")
        elif _floating(argument):
            if kind not in "fc":
                raise DtypeError(f"{operation.name}: {name} is {dtype}; floats are expected: cast it to float32")
            if first is None:
                first = name, dtype
            elif dtype != first[1]:
                raise DtypeError(f"{operation.name}: {first[0]} is {first[1]}, {name} is {dtype}; cast one of the two")


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


Sizes = dict[str, tuple[int, int]]
"""For each dimension the position of the first argument that has it, and its size there."""


def _check_shapes(operation: Operation, shapes: Sequence[Shape], names: Sequence[str], shown: Sequence[Shape]) -> Sizes:
    sizes: Sizes = {}
    leading: tuple[int, Shape] | None = None
    for position, (dims, shape) in enumerate(zip(operation.signature.inputs, shapes, strict=True)):
        named = [dim for dim in dims if dim != ELLIPSIS]
        if len(shape) < len(named) or (len(shape) > len(named) and ELLIPSIS not in dims):
            raise ShapeError(
                f"{operation.name}: {names[position]} is {shown[position]}; "
                f"{'at least ' * (ELLIPSIS in dims)}{len(named)} dimensions are expected: ({', '.join(dims)})"
            )
        if ELLIPSIS in dims and not operation.broadcast:
            own = shape[: len(shape) - len(named)]
            if leading is not None and own != leading[1]:
                known, expected = leading
                raise ShapeError(
                    f"{operation.name}: {names[known]} is {shown[known]}, {names[position]} is {shown[position]}; "
                    f"{own} should be {expected}"
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
    return sizes


def _check_groups(
    operation: Operation,
    packed: Packed,
    sizes: Sizes,
    names: Sequence[str],
    shown: Sequence[Shape],
    groups: int,
) -> None:
    """A dimension that holds groups of another one has their number times its size."""
    for rest, dim in packed.dims.items():
        if rest in sizes and dim in sizes and sizes[dim][1] != groups * sizes[rest][1]:
            (first, size), (second, part) = sizes[dim], sizes[rest]
            times = f"{packed.groups}={groups} times {part}" if groups > 1 else f"{part}"
            raise ShapeError(
                f"{operation.name}: {names[first]} has {_count(size, rest)}, {names[second]} expects {times} "
                f"({names[second]} is {shown[second]}); {names[first]} is {shown[first]}"
            )


def _count(size: int, dim: str) -> str:
    return f"{size} {_WORDS[dim]}" if dim in _WORDS else f"{size} along {dim}"


def numbers(name: str, value: Any, axes: int) -> tuple[int, ...]:
    """A setting of windows, one whole number for all axes or one for each, as one for each.

    Raises ValueError for anything else.

    >>> numbers("stride", 2, 2), numbers("stride", (1, 3), 2)
    ((2, 2), (1, 3))
    """
    found = (value,) * axes if isinstance(value, int) else tuple(value) if isinstance(value, Sequence) else ()
    if len(found) == 1:
        found *= axes
    if len(found) != axes or not all(isinstance(number, int) for number in found):
        raise ValueError(
            f"{name}={value!r}; give one whole number, or one for each of {axes} axes: {name}={(1,) * axes}"
        )
    return found


def by_axis(settings: Mapping[str, Any], axes: int) -> dict[str, int]:
    """Settings of windows as the parameters of kernels: `stride` along one axis, `stride_h` and `stride_w` along two.

    >>> by_axis({"stride": (2, 1)}, 2)
    {'stride_h': 2, 'stride_w': 1}
    """
    endings = ("",) if axes == 1 else ("_h", "_w")
    return {
        f"{name}{ending}": number
        for name, value in settings.items()
        for ending, number in zip(endings, numbers(name, value, axes), strict=True)
    }


def same(padding: Any, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> tuple[list[int], ...]:
    """How many zeros stand before and behind each axis, for a number, one for each axis, "valid" and "same".

    Raises ValueError for another word, and for "same" with a stride above 1, as torch does.

    >>> same("same", (3, 2), (1, 1), (1, 1))
    ([1, 0], [1, 1])
    """
    axes = len(kernel)
    if padding == "same":
        if max(stride) > 1:
            raise ValueError(f"padding='same' with stride={tuple(stride)}; only a stride of 1 keeps the size")
        total = [step * (size - 1) for step, size in zip(dilation, kernel, strict=True)]
        return [size // 2 for size in total], [size - size // 2 for size in total]
    if isinstance(padding, str) and padding != "valid":
        raise ValueError(f"padding={padding!r}; give numbers, 'valid' or 'same'")
    found = list(numbers("padding", 0 if padding == "valid" else padding, axes))
    return found, found


def at_most_half(kernel: Sequence[int], padding: Any, dilation: Any = 1) -> None:
    """Raise ValueError where a window of a pooling can lie outside the image altogether, as torch does.

    >>> at_most_half((2, 2), 2)
    Traceback (most recent call last):
    ValueError: padding=2 is more than half of the windows, which reach over (2, 2); pad the input
    """
    steps = numbers("dilation", dilation, len(kernel))
    reach = tuple(step * (size - 1) + 1 for step, size in zip(steps, kernel, strict=True))
    if any(2 * zeros > size for zeros, size in zip(numbers("padding", padding, len(kernel)), reach, strict=True)):
        raise ValueError(
            f"padding={padding!r} is more than half of the windows, which reach over {reach}; pad the input"
        )
