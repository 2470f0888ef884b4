"""Numbers as a page shows them. Records hold numbers that are not finite as strings."""

from __future__ import annotations

import math

# Columns of longer numbers would be wider than the page.
_ALIGNED = 10
_LINE = 84

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: object) -> float:
    """The float behind a record's entry; NaN for None and for anything that is no number.

    >>> number("inf"), number(2), number(None)
    (inf, 2.0, nan)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except ValueError:
        return math.nan


def power_of_ten(exponent: int) -> str:
    """`10⁻⁵`."""
    return f"10{str(exponent).translate(_RAISED)}"


def short(value: object, digits: int = 2) -> str:
    r"""A number for the eye.

    >>> short(0.0612), short(4.71e13), short(1e-12), short("nan"), short(None)
    ('0.061', '4.7\xa0×\xa010¹³', '10⁻¹²', 'nan', '–')
    """
    if value is None:
        return "–"
    x = number(value)
    if not math.isfinite(x) or not isinstance(value, int | float):
        return str(value)
    if x == 0 or 1e-3 <= abs(x) < 1e4:
        return f"{x:.{digits}g}" if abs(x) < 10 else f"{x:.0f}"
    mantissa, _, exponent = f"{x:.{digits - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = power_of_ten(int(exponent))
    return power if mantissa == "1" else f"{mantissa}\xa0×\xa0{power}"  # a line must not break inside


def exact(value: object) -> str:
    """A number to compare and to copy: nine digits.

    >>> exact(2.0), exact(-1e-7), exact(None), exact([0, 1])
    ('2', '-1e-07', '–', '0, 1')
    """
    if value is None:
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(exact, value))
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def array_text(values: object, indent: int = 0) -> str:
    """Nested lists as NumPy prints arrays, one row on each line.

    >>> print(array_text([[1.0, -2.0], [0.5, 10.0]], indent=4))
    [[ 1.0, -2.0],
         [ 0.5, 10.0]]
    """
    width = max((len(str(leaf)) for leaf in leaves(values)), default=0)
    return _rows(values, width if width <= _ALIGNED else 0, indent + 1)


def _rows(values: object, width: int, indent: int) -> str:
    if not isinstance(values, list):
        return str(values)
    if not any(isinstance(value, list) for value in values):
        entries = [str(value).rjust(width if len(values) > 1 else 0) for value in values]
        count = max(1, _LINE // (max(map(len, entries), default=0) + 2))
        lines = [", ".join(entries[k : k + count]) for k in range(0, len(entries), count)]
        return "[" + f",\n{' ' * indent}".join(lines) + "]"
    return "[" + f",\n{' ' * indent}".join(_rows(value, width, indent + 1) for value in values) + "]"


def leaves(values: object) -> list[object]:
    """The entries of nested lists, flat."""
    if not isinstance(values, list):
        return [values]
    return [leaf for value in values for leaf in leaves(value)]
