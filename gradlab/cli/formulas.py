"""Formulas on the command line: `gradlab derive "y[n] = exp(x[n])" --wrt x`, a file, or stdin."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlab.errors import FormulaError

if TYPE_CHECKING:
    from gradlab.operation import Domain, Parameter
    from gradlab.symbolic.definition import Definition

_SECONDS = 120


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options that go with a formula."""
    group = parser.add_argument_group(
        "formulas", 'a text with "=" in it, a file that does not end in .py, or - (stdin)'
    )
    group.add_argument(
        "--wrt", metavar="NAME", action="append", default=[], help="an input with a gradient; repeatable"
    )
    group.add_argument("--name", default="formula", help="the operation's name in what is printed (default: formula)")
    group.add_argument(
        "--parameter",
        metavar="NAME=DEFAULT[:MIN:MAX]",
        action="append",
        default=[],
        help="a scalar that is no input; without MIN and MAX it is verified from a tenth of to twice its default",
    )
    group.add_argument(
        "--domain",
        metavar="NAME=KIND",
        action="append",
        default=[],
        help="where an input lives: real, positive, non_negative, simplex, mask, signs",
    )
    group.add_argument(
        "--timeout", metavar="S", type=float, default=_SECONDS, help=f"give up after S seconds (default: {_SECONDS})"
    )


def is_formula(item: str) -> bool:
    """Whether an operand is a formula rather than the name of an operation or a file of definitions."""
    return item == "-" or "=" in item or (not item.endswith(".py") and Path(item).is_file())


def definition(item: str, arguments: argparse.Namespace) -> Definition:
    """The definition that a formula gives."""
    from gradlab.symbolic.formula import formula

    wrt = [name for given in arguments.wrt for name in given.split(",") if name]
    parameters = dict(map(_parameter, arguments.parameter))
    domains = dict(map(_domain, arguments.domain))
    return formula(text(item), name=arguments.name, wrt=wrt, parameters=parameters, domains=domains)


def text(item: str) -> str:
    """What was typed."""
    if item == "-":
        return sys.stdin.read()
    if "=" in item:
        return item.replace("\\n", "\n")
    try:
        return Path(item).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise FormulaError(f"{item}: it is not text; give a file that holds a formula") from None


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Stop after this time where the system can (POSIX, main thread)."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*args: Any) -> None:
        raise FormulaError(
            f"the derivation took longer than {seconds:g} s; name parts of it on lines of their own, or give --timeout"
        )

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _parameter(item: str) -> tuple[str, Parameter]:
    from gradlab.operation import Parameter

    name, _, values = item.partition("=")
    try:
        numbers = [float(value) for value in values.split(":")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3):
        raise FormulaError(f"--parameter {item}: write NAME=DEFAULT or NAME=DEFAULT:MIN:MAX, such as tau=0.5:0.1:2")
    default = numbers[0]
    low, high = numbers[1:] if len(numbers) == 3 else (default / 10, default * 2)
    if not 0 < low <= default <= high:
        raise FormulaError(f"--parameter {item}: 0 < MIN <= DEFAULT <= MAX does not hold; parameters are positive")
    return name, Parameter(name, default, low, high)


def _domain(item: str) -> tuple[str, Domain]:
    from gradlab import operation

    kinds = ("real", "positive", "non_negative", "simplex", "mask", "signs")
    name, _, kind = item.partition("=")
    if kind not in kinds:
        raise FormulaError(f"--domain {item}: write NAME=KIND with one of {', '.join(kinds)}")
    made: Domain = getattr(operation, kind)()
    return name, made
