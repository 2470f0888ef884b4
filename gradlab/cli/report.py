"""`gradlab report`: the HTML page of a run that was written as JSON earlier."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gradlab.errors import GradlabError
from gradlab.verify import options

_EPILOG = """examples:
  gradlab report report.json --html report.html    the page of an earlier `gradlab verify --json report.json`
  gradlab report report.json                       the same, named after the JSON file
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "report",
        help="render the JSON of an earlier run as an HTML page",
        description="Render what `gradlab verify --json` wrote as one self-contained HTML page. Nothing is run again.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="JSON", type=Path, help="written by gradlab verify --json")
    parser.add_argument("--html", type=Path, **options.HTML)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page and say where."""
    from jinja2 import TemplateError

    from gradlab.verify.html.page import render
    from gradlab.verify.record import read

    data = read(arguments.file)
    try:
        text = render(data)
    except (ArithmeticError, AttributeError, LookupError, TemplateError, TypeError, ValueError) as error:
        # The parts that `read` does not look into were not written by this version of gradlab.
        what = f"{type(error).__name__}: {error}"
        raise GradlabError(f"{arguments.file}: cannot be shown ({what}); write it again with this version") from error
    path = arguments.html or arguments.file.with_suffix(".html")
    path.write_text(text, encoding="utf-8")
    print(path)
    return 0
