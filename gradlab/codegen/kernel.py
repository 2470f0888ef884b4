"""A whole kernel module as text: header, record, forward, backward, jvp."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gradlab.codegen.literal import imports, literal
from gradlab.codegen.numpy_printer import NumpyPrinter
from gradlab.codegen.printer import Printer, Sizes, body
from gradlab.codegen.routines import backward, forward, jvp
from gradlab.codegen.statements import Combine, Reduce, Routine
from gradlab.codegen.torch_printer import TorchPrinter
from gradlab.errors import DefinitionError
from gradlab.operation import Operation
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.record import record
from gradlab.symbolic.terms import Axis

_WIDTH = 120


@dataclass(frozen=True)
class _Target:
    """What differs between the two libraries outside their printers."""

    printer: Callable[[Sizes], Printer]
    nan: str
    array: str


_NUMPY = _Target(NumpyPrinter, "np.nan", "Array")
_TORCH = _Target(TorchPrinter, "math.nan", "Tensor")


def numpy_source(derivation: Derivation) -> str:
    """The NumPy kernel, with the operation's record."""
    operation = record(derivation)
    functions = _routines(derivation, operation, _NUMPY)
    helper = any("blocks(" in function for function in functions)
    record_text = [
        _header(derivation, "NumPy"),
        imports(operation, helper),
        "Array = NDArray[Any]\n",
        literal(operation),
    ]
    return "\n\n".join(["\n".join(record_text), *functions])


def torch_source(derivation: Derivation) -> str:
    """The torch kernel, with the independent reference."""
    operation = record(derivation)
    functions = [*_routines(derivation, operation, _TORCH), _reference(derivation, operation)]
    whole = "\n\n".join(functions)
    imports = ("import math\n\n" if "math.nan" in whole else "") + ("import torch\n" if "torch." in whole else "")
    return "\n\n".join([f"{_header(derivation, 'torch')}\n{imports}from torch import Tensor\n", *functions])


def _header(derivation: Derivation, target: str) -> str:
    program = derivation.program
    count = _counts(backward(derivation))
    saved = ", ".join(derivation.saved) or "nothing"
    return (
        f'"""{program.name}: {program.definition.summary}\n\n'
        f"Generated from {program.definition.source} by `gradlab derive`; edit that file, not this one.\n\n"
        f"Target: {target}. Definition: {program.digest}. Saved for the backward: {saved}.\n"
        f"The backward has {count}.\n"
        "The numbers in the comments are those of the equations that\n"
        f"`gradlab derive {program.name} --to text` prints.\n"
        '"""\n'
    )


def _counts(routine: Routine) -> str:
    whole = max((len(value.layout) for value in routine.arguments + routine.saved), default=0)
    sums = sum(isinstance(statement, Reduce) for statement in routine.statements)
    passes = sum(isinstance(s, Combine) and len(s.target.layout) == whole for s in routine.statements)
    return f"{_plural(sums, 'reduction')} and {_plural(passes, 'elementwise pass', 'es')} over full-size arrays"


def _plural(count: int, noun: str, ending: str = "s") -> str:
    return f"{count} {noun}{'' if count == 1 else ending}"


def _routines(derivation: Derivation, operation: Operation, target: _Target) -> list[str]:
    """Forward, backward and jvp. Sizes that the last two need and nothing saved has are saved too."""
    axes = derivation.program.axes
    after = backward(derivation), jvp(derivation)
    missing = tuple(dict.fromkeys(axis for routine in after for axis in _missing(routine, target, axes)))
    array = target.array
    saved = f"tuple[{array}, ...]" if not missing else "tuple[Any, ...]"
    first = forward(derivation)
    gradient = f"{array} | None" if None in after[0].results else array
    gradients = ", ".join([gradient] * len(after[0].results))
    names = ", ".join((*derivation.saved, *(axis.name for axis in missing))) or "nothing"
    definitions = (
        f"def forward({_typed(first, array)}{_keywords(operation)}) -> tuple[{array}, {saved}]:",
        f"def backward(grad_output: {array}, saved: {saved}) -> tuple[{gradients}]:",
        f"def jvp(saved: {saved}, {_typed(after[1], array)}) -> {array}:",
    )
    summaries = (
        f"Return the output, {operation.signature}, and what `backward` needs: {names}.",
        "Return the gradient of each input (VJP), None for an input that has none.",
        "Return the tangent of the output for tangents of the inputs (JVP).",
    )
    routines = zip(definitions, summaries, (first, *after), strict=True)
    return [_function(line, summary, routine, target, axes, missing) for line, summary, routine in routines]


def _typed(routine: Routine, array: str) -> str:
    return ", ".join(f"{value.name}: {array}" for value in routine.arguments)


def _keywords(operation: Operation) -> str:
    parameters = "".join(f", {parameter.name}: float = {parameter.default!r}" for parameter in operation.parameters)
    return f", *{parameters}" if parameters else ""


def _names(routine: Routine) -> set[str]:
    targets = {s.target.name for s in routine.statements if hasattr(s, "target")}
    return targets | {value.name for value in (*routine.arguments, *routine.saved)} | {"saved"}


def _missing(routine: Routine, target: _Target, axes: tuple[Axis, ...]) -> list[Axis]:
    sizes = Sizes(axes, _names(routine), target.nan)
    body(routine, target.printer(sizes))
    return sizes.missing((*routine.arguments, *routine.saved))


def _function(
    definition: str, summary: str, routine: Routine, target: _Target, axes: tuple[Axis, ...], missing: tuple[Axis, ...]
) -> str:
    sizes = Sizes(axes, _names(routine), target.nan)
    printer = target.printer(sizes)
    lines = body(routine, printer)
    results = [printer.result(value) if value is not None else "None" for value in routine.results]
    sources, opening = list(routine.arguments), []
    if definition.startswith("def forward"):
        saved = [*(printer.result(value) for value in routine.saved), *(sizes.size(axis) for axis in missing)]
        results.append(_parenthesised(saved))
        returned = ", ".join(results)
    else:
        used = _used([*lines, *results])
        names = [value.name if value.name in used else f"_{value.name}" for value in routine.saved]
        names += [sizes.size(axis) for axis in missing]
        opening = [f"{_parenthesised(names) if len(names) == 1 else ', '.join(names)} = saved"] if names else []
        sources += [value for value in routine.saved if value.name in used]
        for axis in missing:
            del sizes.single[axis]
        returned = _parenthesised(results) if "def backward" in definition and len(results) == 1 else ", ".join(results)
    text = [*opening, *sizes.lines(sources), *lines, f"return {returned}"]
    return "\n".join([*_wrapped(definition), f'    """{summary}"""', *(f"    {line}" for line in text), ""])


def _parenthesised(names: list[str]) -> str:
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"


def _used(lines: Iterable[str]) -> set[str]:
    tree = ast.parse("\n".join(lines))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _wrapped(definition: str) -> list[str]:
    """A definition line, broken as the formatter breaks it."""
    if len(definition) <= _WIDTH:
        return [definition]
    head, _, rest = definition.partition("(")
    inside, _, tail = rest.rpartition(") -> ")
    if len(inside) + 4 <= _WIDTH:
        return [f"{head}(", f"    {inside}", f") -> {tail}"]
    return [f"{head}(", *(f"    {part}," for part in inside.split(", ")), f") -> {tail}"]


def _reference(derivation: Derivation, operation: Operation) -> str:
    source = operation.reference
    try:
        ast.parse(source, mode="eval")
    except SyntaxError as error:
        raise DefinitionError(
            f"{derivation.program.definition.source}: {operation.name}: reference {source!r} is not an expression "
            f"({error.msg}); write one torch expression over the argument names"
        ) from None
    arguments = ", ".join(f"{argument.name}: Tensor" for argument in operation.arguments)
    lines = [
        *_wrapped(f"def reference({arguments}{_keywords(operation)}) -> Tensor:"),
        '    """Give the same output from an independent implementation, which torch differentiates."""',
        f"    result: Tensor = {source}",
        "    return result",
        "",
    ]
    return "\n".join(lines)
