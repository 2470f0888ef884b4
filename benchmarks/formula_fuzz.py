"""`python -m benchmarks.formula_fuzz`: hostile texts for the formula parser; no crash, no hang, no code that runs.

Texts are pieces of formulas and of Python, put together and mutated at random (seeded). Each must give a definition or
a FormulaError, quickly; Python's audit events tell whether anything was executed, imported or opened meanwhile.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from gradlab.errors import DefinitionError
from gradlab.symbolic.formula import formula
from gradlab.symbolic.formula.parse import FILENAME

_FORMULAS = (
    "y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))",
    "s[q,k] = sum[d](a[q,d]*b[k,d]) / sqrt(D)\np[q,k] = exp(s[q,k]) / sum[j](exp(s[q,j]))",
    "loss = -mean[n](log(p[n,label[n]]))",
    "y[o] = sum[a](x[2*o + a - 1]*w[a])",
    "y[n] = max(0, 1 - t[n]*y[n])",
    "f = sum[i,j](x[i]*A[i,j]*delta(i,j)) + 0.5*(x[i] > 0)",
)
_PIECES = (
    *"xyzndkij()[]=+-*/,.:; \n\t^<>!~@#'\"\\{}0123456789",
    *("**", "sum", "mean", "max", "exp(", "log(", "sqrt(", "delta(", "sum[k](", "x[n]", "x[n,d]", "1e300", "1e-3"),
    *(
        "lambda:",
        "__import__('os')",
        "x.__class__",
        "f'{x}'",
        "eval(",
        "exec(",
        "(yield)",
        "await x",
        ":=",
        "import os",
    ),
    *(
        "def f():",
        "[x for x in y]",
        "if x else y",
        "0x10",
        "1j",
        "True",
        "None",
        "...",
        "not ",
        "9**9**9",
        "é",
        "\x00",
        "\u212b",
    ),
    *("(" * 50, "-" * 300, "x+" * 300, "[" * 60, "1" * 5000, "x" * 3000),
)
_EVENTS = ("exec", "import", "open", "os.", "subprocess.", "socket.", "ctypes.", "shutil.")
_SLOW = 1.0


@dataclass
class Tally:
    """What happened to the texts."""

    texts: int = 0
    accepted: int = 0
    refused: int = 0
    slowest: float = 0.0
    bad: list[str] = field(default_factory=list)


class _Audit:
    """Listens while a text is parsed; hooks cannot be removed, so that one serves all."""

    def __init__(self) -> None:
        self.listening = False
        self.heard: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: Any) -> None:
        if self.listening and event.startswith(_EVENTS) and arguments[0] != FILENAME:
            self.heard.append(f"{event} {arguments[0]!r}")


def texts(count: int, seed: int) -> Iterator[str]:
    """Hostile texts: a formula, or nothing, with pieces put in, taken out and swapped."""
    rng = random.Random(seed)
    for _ in range(count):
        text = rng.choice(_FORMULAS) if rng.random() < 0.8 else ""
        for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
            at = rng.randrange(len(text) + 1)
            end = at + rng.choice((0, 0, 1, 2, 5))
            text = text[:at] + rng.choice(_PIECES) + text[end:]
        yield text


def fuzz(count: int, seed: int) -> Tally:
    """Feed the parser; failures stop nothing and are collected."""
    # What parsing imports for the first time is no business of the texts.
    for text in _FORMULAS:
        with suppress(DefinitionError):
            formula(text)
    tally, audit = Tally(), _Audit()
    for text in texts(count, seed):
        start = time.perf_counter()
        audit.listening, audit.heard = True, []
        try:
            formula(text)
            tally.accepted += 1
        except DefinitionError:
            tally.refused += 1
        except Exception as error:
            tally.bad.append(f"{type(error).__name__}: {error} for {text[:200]!r}")
        finally:
            audit.listening = False
        took = time.perf_counter() - start
        tally.texts += 1
        tally.slowest = max(tally.slowest, took)
        if took > _SLOW:
            tally.bad.append(f"{took:.1f} s for {text[:200]!r}")
        if audit.heard:
            tally.bad.append(f"{audit.heard[0]} for {text[:200]!r}")
    return tally


def main() -> int:
    """Parse the options, fuzz, print a line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formula_fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many texts (default: 1000000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tally = fuzz(options.inputs, options.seed)
    for line in tally.bad[:20]:
        print(line)
    print(
        f"{tally.texts} texts, {tally.accepted} accepted, {tally.refused} refused, {len(tally.bad)} bad, "
        f"slowest {tally.slowest:.3f} s, seed {options.seed}"
    )
    return bool(tally.bad)


if __name__ == "__main__":
    sys.exit(main())
