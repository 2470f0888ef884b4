"""The command line, `gradlab list | show | derive | audit | verify | mutate | report`: thin doors that import late."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from gradlab.errors import GradlabError

_EPILOG = """examples:
  gradlab list                          the operations that gradlab has
  gradlab derive softmax --to text      the derivation, step by step, with its proof
  gradlab audit                         prove or refute written-down gradient formulas
  gradlab verify softmax                verify its kernels by property-based testing
  gradlab mutate softmax                how many planted mistakes does that find?
  gradlab COMMAND --help                more about a command

exit status: 0 all is well; 1 a check failed; 2 the request makes no sense, or something is missing; 130 interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. Errors of gradlab's own are one line on stderr.

    >>> main(["list", "--names"])  # doctest: +ELLIPSIS
    abs
    ...
    0
    """
    given = list(sys.argv[1:] if argv is None else argv)
    own: list[str] | None = None
    if given[:1] == ["mutate"] and "--" in given:
        # A command of the user's follows, with options of its own.
        given, own = given[: given.index("--")], given[given.index("--") + 1 :]
    arguments = _parser().parse_args(given)
    if own is not None:
        arguments.command = own
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except GradlabError as error:
        print(f"gradlab: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has gone (`gradlab list | head`): what Python still wants to flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        print(f"gradlab: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gradlab: interrupted", file=sys.stderr)
        return 130


class _Version(argparse.Action):
    """Prints the version; it is looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *args: object, **kwargs: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"gradlab {version('gradlab')}")
        except PackageNotFoundError:
            print("gradlab (not installed)")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradlab",
        description="Derive gradients symbolically, prove every step, write kernels, and verify backward passes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    from gradlab.cli import audit, derive, listing, mutate, report, show, verify

    for command in (listing, show, derive, audit, verify, mutate, report):
        command.add(commands)
    return parser
