"""`gradlab list`: the operations, from their kernels' records alone."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from gradlab import registry
from gradlab.operation import Operation

_EPILOG = """examples:
  gradlab list              name, signature and summary
  gradlab list --names      one name on each line, for scripts
  gradlab list --json       everything in the records, as JSON
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "list",
        help="list all operations",
        description="List all operations: name, signature (shapes as in NumPy's gufuncs), summary and parameters.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a JSON list of records")
    form.add_argument("--names", action="store_true", help="print names only")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    if arguments.names:
        print("\n".join(registry.names()))
        return 0
    operations = [registry.operation(name) for name in registry.names()]
    if arguments.json:
        print(json.dumps([record(operation) for operation in operations], indent=2))
        return 0
    rows = [(operation.name, str(operation.signature), summary(operation)) for operation in operations]
    columns = [max((len(row[k]) for row in rows), default=0) for k in (0, 1)]
    for name, signature, text in rows:
        print(f"{name:{columns[0]}}  {signature:{columns[1]}}  {text}")
    return 0


def summary(operation: Operation) -> str:
    """The summary, with the parameters and their defaults."""
    axis = ["axis=-1"] if operation.along else []
    axis += ["keepdims=False"] if operation.reduces else []
    parameters = ", ".join([*axis, *(f"{parameter.name}={parameter.default:g}" for parameter in operation.parameters)])
    return f"{operation.summary} [{parameters}]" if parameters else operation.summary


def record(operation: Operation) -> dict[str, Any]:
    """The record as JSON can hold it: infinite bounds become null, the signature is its text."""
    fields = asdict(operation)
    fields["signature"] = str(operation.signature)
    for argument in fields["arguments"]:
        for bound in ("minimum", "maximum"):
            if abs(argument["domain"][bound]) == float("inf"):
                argument["domain"][bound] = None
    return fields
