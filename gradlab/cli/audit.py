"""`gradlab audit`: prove or refute written-down gradient formulas."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

_EPILOG = """examples:
  gradlab audit                     the equations of the report that started gradlab
  gradlab audit my_claims.py        claims of your own; exit status 1 if one is not what was expected of it
  gradlab audit --to html -o audit.html

A claim is one line of Python, at the top level of a file:
  from gradlab.symbolic import claim
  mine = claim("softmax", wrt="x", jacobian="y[i]*(delta(i,j) - y[j])")
Formulas are read by a parser of gradlab's own and never evaluated as code; the file itself is Python, and is run.
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "audit",
        help="prove or refute gradient formulas that somebody wrote down",
        description="Prove claims about Jacobians, VJPs and shapes, or refute them with the smallest counterexample in "
        "numbers and the formula that holds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="a Python file of claims")
    parser.add_argument("--to", choices=("text", "latex", "html", "markdown"), default="text", help="the format")
    parser.add_argument("-o", "--output", metavar="PATH", type=Path, help="write to this file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Audit, then print or write; 1 where a verdict is not the expected one."""
    from gradlab.cli.documents import writer
    from gradlab.documents.audit import audit
    from gradlab.symbolic.load import claims, folder

    verdicts = [claim.audit() for claim in claims(arguments.file or folder() / "report_audit.py")]
    title = f"Audit of {arguments.file.name}" if arguments.file else "Audit of the report"
    shown = writer(arguments.to)(audit(verdicts, title))
    if arguments.output:
        arguments.output.write_text(shown, encoding="utf-8")
        print(arguments.output)
    else:
        print(shown, end="", flush=True)
    return 0 if all(verdict.as_expected for verdict in verdicts) else 1
