"""`gradlab show OP`: one operation's record, definition and files."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from gradlab import registry
from gradlab.operation import Argument, Operation

_EPILOG = """examples:
  gradlab show batch_norm
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "show",
        help="show one operation: arguments, definition, what is saved, where its kernels are",
        description="Show one operation: its arguments and their domains, its definition, what its forward saves for "
        "the backward, its independent reference and where its kernels are.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("operation", metavar="OP", help="a name that `gradlab list` prints")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the operation."""
    operation = registry.operation(arguments.operation)
    print(f"{operation.name}  {operation.signature}\n{operation.summary}\n")
    for label, lines in _facts(operation):
        for position, line in enumerate(lines):
            print(f"{label if position == 0 else '':12}{line}")
    return 0


def _facts(operation: Operation) -> Iterator[tuple[str, list[str]]]:
    yield "arguments", [f"{argument.name}: {_domain(argument)}" for argument in operation.arguments]
    yield (
        "parameters",
        [
            *_axis(operation),
            *(f"{p.name} = {p.default:g}, from {p.minimum:g} to {p.maximum:g}" for p in operation.parameters),
        ],
    )
    yield "definition", _definition(operation.name)
    yield "saved", [", ".join(operation.saved)]
    yield "kinks", [f"at {k.where} the slope of {k.argument} is {k.derivative}" for k in operation.kinks]
    yield "reference", [operation.reference]
    yield "digest", [operation.digest]
    yield "kernels", [path for backend in ("numpy", "torch") if (path := _path(operation.name, backend))]


def _axis(operation: Operation) -> list[str]:
    if operation.along is None:
        return []
    several = ", a tuple of axes, or None for all" if operation.along.several else ""
    axis = f"axis = -1, any axis{several}: where {operation.along.dim} lies"
    return [axis, "keepdims = False, True for axes of size 1 in the output"] if operation.reduces else [axis]


def _domain(argument: Argument) -> str:
    domain = argument.domain
    shown: str = domain.kind
    if domain.kind == "labels":
        shown += f" below {domain.below}"
    if domain.kind == "simplex" and domain.zeros:
        shown += ", zeros allowed"
    return shown if argument.differentiable else f"{shown}, no gradient"


def _definition(name: str) -> list[str]:
    from gradlab.symbolic.load import definition
    from gradlab.symbolic.read import read
    from gradlab.symbolic.show import entry, text

    found = definition(name)
    program = read(found)
    lets = [
        f"{entry(item.name, item.tensor.indices)} = {text(item.value, program, item.tensor.indices)}"
        for item in program.bindings
    ]
    facts = [
        f"{text(type(fact.right)((fact.left,)), program, fact.left.free)} = "
        f"{text(fact.right, program, fact.left.free)}  (declared fact)"
        for fact in program.facts
    ]
    return [found.source, *lets, *facts]


def _path(name: str, backend: str) -> str | None:
    spec = find_spec(f"gradlab.kernels.{backend}.{name}")  # finds the file without importing it, torch or not
    return spec.origin if spec else None
