"""Numbers of worked examples and counterexamples."""

from __future__ import annotations

from typing import Any

DIGITS = 4


def rounded(value: Any) -> str:
    """A number as the examples show it.

    >>> rounded(2.0), rounded(0.123456), rounded(-0.00001234)
    ('2', '0.1235', '-1.234e-05')
    """
    return f"{float(value):.{DIGITS}g}"
