"""Recognise a number as a formula of sizes and parameters, from its values in several cases."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array

_RTOL = 1e-7

_Unary = tuple[tuple[str, str, Callable[[Array], Any]], ...]
_Binary = tuple[tuple[str, str, Callable[[Array, Array], Any]], ...]

# In the order in which they are tried: text, inverse and value of a formula of one quantity.
_UNARY: _Unary = (
    ("{q}", "1/{q}", lambda q: q),
    ("1/{q}", "{q}", lambda q: 1 / q),
    ("({q} - 1)/{q}", "{q}/({q} - 1)", lambda q: (q - 1) / q),
    ("{q}/({q} - 1)", "({q} - 1)/{q}", lambda q: q / (q - 1)),
    ("sqrt({q})", "1/sqrt({q})", np.sqrt),
    ("1/sqrt({q})", "sqrt({q})", lambda q: 1 / np.sqrt(q)),
    ("1 - {q}", "1/(1 - {q})", lambda q: 1 - q),
    ("1/(1 - {q})", "1 - {q}", lambda q: 1 / (1 - q)),
    ("(1 - {q})/{q}", "{q}/(1 - {q})", lambda q: (1 - q) / q),
    ("{q}/(1 - {q})", "(1 - {q})/{q}", lambda q: q / (1 - q)),
    ("{q}**2", "1/{q}**2", lambda q: q * q),
    ("1/{q}**2", "{q}**2", lambda q: 1 / (q * q)),
    ("2*{q}", "1/(2*{q})", lambda q: 2 * q),
    ("2/{q}", "{q}/2", lambda q: 2 / q),
    ("{q}/2", "2/{q}", lambda q: q / 2),
    ("1/(2*{q})", "2*{q}", lambda q: 1 / (2 * q)),
    ("{q} - 1", "1/({q} - 1)", lambda q: q - 1),
    ("1/({q} - 1)", "{q} - 1", lambda q: 1 / (q - 1)),
)
_BINARY: _Binary = (
    ("{q}*{r}", "1/({q}*{r})", lambda q, r: q * r),
    ("1/({q}*{r})", "{q}*{r}", lambda q, r: 1 / (q * r)),
    ("{q}/{r}", "{r}/{q}", lambda q, r: q / r),
    ("{r}/{q}", "{q}/{r}", lambda q, r: r / q),
    ("({q} - {r})/{q}", "{q}/({q} - {r})", lambda q, r: (q - r) / q),
    ("{q}/({q} - {r})", "({q} - {r})/{q}", lambda q, r: q / (q - r)),
)
_CONSTANTS = (2.0, 0.5, 3.0, 1 / 3, 4.0, 0.25, 10.0, 0.1, math.sqrt(2), 1 / math.sqrt(2), math.pi, math.e, math.log(2))
_NAMED = {1 / 3: "1/3", math.sqrt(2): "sqrt(2)", 1 / math.sqrt(2): "1/sqrt(2)", math.pi: "pi", math.e: "e",
          math.log(2): "log(2)", 0.5: "1/2", 0.25: "1/4", 0.1: "1/10"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Formula:
    """A number by its text, the text of its inverse, and whether sizes or parameters stand in it."""

    text: str
    inverse: str
    names: tuple[str, ...] = ()


def recognised(values: Sequence[float], quantities: Sequence[Mapping[str, float]]) -> Formula | None:
    """The first formula that gives `values[k]` from `quantities[k]` in every case k; None where none does.

    Quantities that vary between the cases come first: a number that follows them is no coincidence.

    >>> recognised([1 / 5, 1 / 6], [{"n": 5.0}, {"n": 6.0}])
    Formula(text='1/n', inverse='n', names=('n',))
    >>> recognised([0.5, 0.5], [{"n": 2.0}, {"n": 3.0}]).text
    '1/2'
    """
    target = np.array(values, dtype=np.float64)
    if not target.size or not np.isfinite(target).all():
        return None
    sign = "-" if (target < 0).all() else ""
    target = np.abs(target) if sign else target
    for formula, found in _candidates(quantities):
        if np.isfinite(found).all() and np.allclose(found, target, rtol=_RTOL, atol=0):
            return Formula(_signed(sign, formula.text), _signed(sign, formula.inverse), formula.names)
    return None


def _signed(sign: str, text: str) -> str:
    return f"{sign}({text})" if sign and any(c in text for c in " ") else sign + text


def _candidates(quantities: Sequence[Mapping[str, float]]) -> Iterator[tuple[Formula, Array]]:
    known = {name: np.array([case[name] for case in quantities]) for name in quantities[0]}
    varied = {name: q for name, q in known.items() if np.ptp(q) > 0}
    with np.errstate(all="ignore"):
        yield from _unary(varied)
        for value in _CONSTANTS:
            text = _NAMED.get(value, f"{value:g}")
            inverse = _NAMED.get(1 / value, f"{1 / value:.6g}")
            yield Formula(text, inverse), np.full(len(quantities), value)
        yield from _binary(varied, varied)
        yield from _binary(varied, {name: q for name, q in known.items() if name not in varied})
        yield from _unary({name: q for name, q in known.items() if name not in varied})


def _unary(known: Mapping[str, Array]) -> Iterator[tuple[Formula, Array]]:
    for text, inverse, value in _UNARY:
        for name, q in known.items():
            yield Formula(text.format(q=name), inverse.format(q=name), (name,)), np.asarray(value(q))


def _binary(left: Mapping[str, Array], right: Mapping[str, Array]) -> Iterator[tuple[Formula, Array]]:
    for text, inverse, value in _BINARY:
        for q, first in left.items():
            for r, second in right.items():
                if q != r:
                    formula = Formula(text.format(q=q, r=r), inverse.format(q=q, r=r), (q, r))
                    yield formula, np.asarray(value(first, second))
