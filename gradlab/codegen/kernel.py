"""A whole kernel module as text: header, record, forward, backward, jvp, hvp."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gradlab.codegen.calls import joined
from gradlab.codegen.doors import Doors
from gradlab.codegen.literal import imports, literal
from gradlab.codegen.needs import guarded
from gradlab.codegen.numpy_printer import NumpyPrinter
from gradlab.codegen.positions import located
from gradlab.codegen.printer import Printer, body
from gradlab.codegen.routines import backward, constant, forward, hvp, jvp
from gradlab.codegen.sizes import Sizes, parenthesised
from gradlab.codegen.statements import Combine, Reduce, Routine, Slide, Spread, Statement, Value
from gradlab.codegen.torch_printer import TorchPrinter
from gradlab.errors import DefinitionError
from gradlab.operation import Operation
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.indices import Axis
from gradlab.symbolic.program import Program
from gradlab.symbolic.record import record

_WIDTH = 120


@dataclass(frozen=True)
class _Target:
    """What differs between the two libraries outside their printers."""

    printer: Callable[[Sizes], Printer]
    nan: str
    array: str
    calls: bool = False
    """Whether its calls take more than one statement each."""
    positions: bool = False
    """Whether flat positions are faster than labels."""


_NUMPY = _Target(NumpyPrinter, "np.nan", "Array", positions=True)
_TORCH = _Target(TorchPrinter, "math.nan", "Tensor", calls=True)
_HELPERS = {
    "gradlab.kernels.axes": ("drop_axes", "from_last", "keep_axes", "pack", "to_last", "unpack"),
    "gradlab.kernels.blocks": ("blocks",),
    "gradlab.kernels.broadcasting": ("sum_to_shape",),
    "gradlab.kernels.windows": ("largest", "overlaps", "spread", "window_sums", "windows"),
}
_TORCH_HELPERS = _HELPERS | {"gradlab.kernels.windows": (), "gradlab.kernels.torch_windows": ("largest",)}
"""The hand-written helpers, by module."""


def numpy_source(derivation: Derivation) -> str:
    """The NumPy kernel, with the operation's record."""
    operation = record(derivation)
    functions = _routines(derivation, operation, _NUMPY)
    record_text = [
        _header(derivation, "NumPy"),
        imports(
            operation,
            helpers=[
                *(["from gradlab.kernels import special"] if _mentions(functions, "special.") else []),
                *_helpers(functions),
            ],
            math=_mentions(functions, "math."),
            numpy=_mentions(functions, "np."),
        ),
        "Array = NDArray[Any]\n",
        literal(operation),
    ]
    return "\n\n".join(["\n".join(record_text), *functions])


def torch_source(derivation: Derivation) -> str:
    """The torch kernel, with the independent reference."""
    operation = record(derivation)
    functions = _routines(derivation, operation, _TORCH)
    if operation.reference:
        functions.append(_reference(derivation, operation))
    standard = [
        *(["import math"] if _mentions(functions, "math.") else []),
        *(["from typing import Any"] if _mentions(functions, "Any,") else []),
    ]
    libraries = [
        *(["import torch"] if _mentions(functions, "torch.") else []),
        *(["import torch.nn.grad"] if _mentions(functions, "torch.nn.grad.") else []),
        "from torch import Tensor",
    ]
    imports = "\n\n".join(
        "\n".join(group) for group in (standard, libraries, _helpers(functions, _TORCH_HELPERS)) if group
    )
    return "\n\n".join([f"{_header(derivation, 'torch')}\n{imports}\n", *functions])


def _mentions(functions: list[str], text: str) -> bool:
    return any(text in function for function in functions)


def _helpers(functions: list[str], helpers: Mapping[str, tuple[str, ...]] = _HELPERS) -> list[str]:
    """Import lines for the helpers that the kernel calls."""
    called = set(re.findall(r"\b(\w+)\(", "\n".join(functions)))
    used = {module: [name for name in names if name in called] for module, names in helpers.items()}
    return [f"from {module} import {', '.join(names)}" for module, names in used.items() if names]


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
    sums = sum(isinstance(s, Slide | Spread) or _reads(s, whole) for s in routine.statements)
    passes = sum(isinstance(s, Combine) and len(s.target.layout) == whole for s in routine.statements)
    return f"{_plural(sums, 'reduction')} and {_plural(passes, 'elementwise pass', 'es')} over full-size arrays"


def _reads(statement: Statement, whole: int) -> bool:
    """Whether this sums a full-size array, and not what another sum has left of one."""
    return isinstance(statement, Reduce) and any(len(operand.layout) == whole for operand in statement.operands)


def _plural(count: int, noun: str, ending: str = "s") -> str:
    return f"{count} {noun}{'' if count == 1 else ending}"


def _routines(derivation: Derivation, operation: Operation, target: _Target) -> list[str]:
    """Forward and the three that follow it; what these need and no saved tensor has is saved too: sizes, parameters."""
    doors = Doors(operation)
    routines = [routine(derivation) for routine in (forward, backward, jvp, hvp)]
    if target.positions:
        routines = located(routines, operation.name)
    first, *after = (
        _Body.of(routine, target, derivation.program, doors, role)
        for role, routine in zip(("forward", "backward", "jvp", "hvp"), routines, strict=True)
    )
    missing = tuple(dict.fromkeys(axis for body in after for axis in body.missing()))
    used = {name for body in after for name in body.names()}
    parameters = tuple(name for name in (*derivation.program.parameters, *doors.kept) if name in used)
    array = target.array
    numbers = missing or parameters or any(constant(derivation.program, name) for name in derivation.saved)
    saved = f"tuple[{'Any' if numbers else array}, ...]"
    count = len(after[0].routine.results)
    several = len(operation.differentiable) > 1
    gradients = ", ".join([f"{array} | None" if count > 1 else array] * count)
    needs_input = f", needs: tuple[bool, ...] = {parenthesised(['True'] * count)}" if several else ""
    kept = [value.name for value in first.routine.saved]
    extra = (*kept[len(derivation.handed) :], *(axis.name for axis in missing), *parameters)
    needs = ", ".join((*derivation.saved, *extra)) or "nothing"
    tracked = ", ".join(derivation.handed[len(derivation.saved) :])
    needs += f"; besides {tracked}" if tracked else ""
    return [
        first.opening(
            f"def forward({first.typed(array)}{_keywords(operation)}) -> tuple[{array}, {saved}]:",
            f"Return the output, {_shapes(operation)}, and what `backward` needs: {needs}.",
            missing,
            parameters,
        ),
        after[0].closing(
            f"def backward(grad_output: {array}, saved: {saved}{needs_input}) -> tuple[{gradients}]:",
            "Return the gradient of each input (VJP), None for an input that has none"
            f"{' or whose gradient is not needed' if several else ''}.",
            missing,
            parameters,
            several=True,
            needed=array if several else "",
        ),
        after[1].closing(
            f"def jvp(saved: {saved}, {after[1].typed(array)}) -> {array}:",
            "Return the tangent of the output for tangents of the inputs (JVP).",
            missing,
            parameters,
        ),
        after[2].closing(
            f"def hvp(saved: {saved}, {after[2].typed(array)}) -> tuple[{gradients}]:",
            "Return the tangent of each gradient for tangents of the inputs (Hessian-vector products).",
            missing,
            parameters,
            several=True,
        ),
    ]


def _shapes(operation: Operation) -> str:
    """The signature, and what it leaves open."""
    if operation.along is None:
        return f"{operation.signature} with broadcasting" if operation.broadcast else str(operation.signature)
    return f"{operation.signature} with {operation.along.dim} along `axis`"


def _keywords(operation: Operation, *, kept: bool = True) -> str:
    """Those of forward; `kept` is whether axes of size 1 can be, which the reference is not asked for."""
    doors = Doors(operation)
    parameters = [f"{p.name}: {'int' if p.integer else 'float'} = {p.default!r}" for p in operation.parameters]
    shown = "".join(f", {one}" for one in (*doors.keywords, *(doors.kept_keywords if kept else ()), *parameters))
    return f", *{shown}" if shown else ""


@dataclass(frozen=True)
class _Body:
    """A routine as printed lines, with the sizes that they mention."""

    routine: Routine
    sizes: Sizes
    entry: tuple[str, ...]
    lines: tuple[str, ...]
    results: tuple[str, ...]
    saved: tuple[str, ...]

    @staticmethod
    def of(routine: Routine, target: _Target, program: Program, doors: Doors, role: str) -> _Body:
        targets = {s.target.name for s in routine.statements if hasattr(s, "target")}
        taken = targets | {value.name for value in (*routine.arguments, *routine.saved)} | {"saved", *doors.kept}
        integers = {given.tensor.name for given in program.inputs if not given.domain.continuous}
        like = next(value.name for value in routine.arguments if value.name not in integers)
        sources = (*routine.arguments, *routine.saved)
        printer = target.printer(Sizes(program, taken, target.nan, like, next(filter(_leads, sources), None)))
        lines = body(joined(routine, guarded=role == "backward") if target.calls else routine, printer)
        several = role in ("backward", "hvp")  # one result for each input
        owners = [given.tensor.name if several else None for given in program.inputs]
        results = [
            "None" if value is None else doors.leave(value, printer.result(value), owner)
            for value, owner in zip(routine.results, owners, strict=several)
        ]
        saved = [printer.result(value) for value in routine.saved]
        entry = doors.enter(routine.arguments, opening=role == "forward")
        return _Body(routine, printer.sizes, tuple(entry), tuple(lines), tuple(results), tuple(saved))

    def missing(self) -> list[Axis]:
        """The axes whose size no array at hand has."""
        return self.sizes.missing((*self.routine.arguments, *self.routine.saved))

    def names(self) -> set[str]:
        """Every name that the lines use, and the parameters that sizes follow from."""
        computed = self.sizes.computed((*self.routine.arguments, *self.routine.saved))
        return _used([*self.entry, *self.lines, *self.results]) | self.sizes.parameters(computed)

    def typed(self, array: str) -> str:
        """The array arguments with their types."""
        return ", ".join(f"{value.name}: {array}" for value in self.routine.arguments)

    def opening(self, line: str, summary: str, missing: tuple[Axis, ...], parameters: tuple[str, ...]) -> str:
        """The forward: it returns the output and everything that is saved."""
        saved = [*self.saved, *(self.sizes.size(axis) for axis in missing), *parameters]
        returned = ", ".join([*self.results, parenthesised(saved)])
        sizes = self.sizes.lines(self.routine.arguments)
        needed = {*parameters, *_used([*sizes, *self.lines, *self.results])}
        entry = [item for item in self.entry if item.partition(" = ")[0] in needed]
        return _function(line, summary, [*entry, *sizes, *self.fitting(), *self.lines], returned)

    def fitting(self) -> list[str]:
        """A refusal where a window is larger than what it moves over."""
        computed = [self.sizes.size(axis) for axis in self.sizes.computed(self.routine.arguments)]
        if not computed:
            return []
        found = ", ".join(f"{name} = {{{name}}}" for name in computed)
        return [
            f"if {' or '.join(f'{name} < 1' for name in computed)}:",
            f'    found = f"no window fits: {found}"',
            '    raise ValueError(f"{found}; pad the input, or use a smaller window")',
        ]

    def closing(
        self,
        line: str,
        summary: str,
        missing: tuple[Axis, ...],
        parameters: tuple[str, ...],
        *,
        several: bool = False,
        needed: str = "",
    ) -> str:
        """Backward, jvp or hvp: it starts from what was saved. `needed` types gradients that may be left out."""
        handed = [self.sizes.size(axis) for axis in missing]
        sizes = self.sizes.lines((*self.routine.arguments, *self.routine.saved), missing)
        used = _used([*self.entry, *sizes, *self.lines, *self.results])
        names = [*(value.name for value in self.routine.saved), *handed, *parameters]
        names = [name if name in used else f"_{name}" for name in names]
        unpacked = [f"{parenthesised(names) if len(names) == 1 else ', '.join(names)} = saved"] if names else []
        lines, results = list(self.lines), list(self.results)
        if needed:
            lines, results = guarded(lines, results, needed)
        returned = parenthesised(results) if several and len(results) == 1 else ", ".join(results)
        return _function(line, summary, [*unpacked, *self.entry, *sizes, *lines], returned)


def _leads(value: Value) -> bool:
    return any(index.axis.ellipsis for index in value.layout)


def _function(line: str, summary: str, lines: list[str], returned: str) -> str:
    body = [part for item in (*lines, f"return {returned}") for part in _broken(item)]
    return "\n".join([*_wrapped(line), *(f"    {item}".rstrip() for item in (*_docstring(summary), *body)), ""])


def _broken(line: str) -> list[str]:
    """An assignment of one call, broken as the formatter breaks it where it is too long."""
    if len(line) + 4 <= _WIDTH or line.lstrip().startswith("#") or not line.endswith(")"):
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    depth = 0
    for position in range(len(line) - 1, -1, -1):
        depth += (line[position] == ")") - (line[position] == "(")
        if depth == 0:
            break
    head, inside = line[: position + 1], line[position + 1 : -1]
    parts = _arguments(inside)
    # A tuple, unlike a call, has a line for each of its parts; brackets around one expression make no tuple of it.
    grouping = head.endswith(" (")
    if (len(indent) + len(inside) + 8 <= _WIDTH and not grouping) or (grouping and len(parts) == 1):
        return [head, f"{indent}    {inside}", f"{indent})"]
    return [head, *(f"{indent}    {part}," for part in parts if part), f"{indent})"]


def _arguments(inside: str) -> list[str]:
    """The arguments of a call, apart at the commas that no bracket and no quotation holds."""
    found, depth, quoted = [""], 0, False
    for character in inside:
        depth += (character in "([{") - (character in ")]}")
        quoted ^= character == '"'
        if character == "," and depth == 0 and not quoted:
            found.append("")
        else:
            found[-1] += character
    return [part.strip() for part in found]


def _docstring(summary: str) -> list[str]:
    """One line, or where that is too long, what is returned first."""
    if len(summary) + len('    """"""') <= _WIDTH:
        return [f'"""{summary}"""']
    first, _, rest = summary.partition(", and what ")
    return [f'"""{first}.', "", f"What {rest}", '"""']


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
    return [f"{head}(", *(f"    {part}," for part in _arguments(inside)), f") -> {tail}"]


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
        *_wrapped(f"def reference({arguments}{_keywords(operation, kept=False)}) -> Tensor:"),
        '    """Give the same output from an independent implementation, which torch differentiates."""',
        *(f"    {part}" for part in _broken(f"result: Tensor = {source}".replace("'", '"'))),
        "    return result",
        "",
    ]
    return "\n".join(lines)
