"""Messages that point at the character."""

from __future__ import annotations

from typing import NoReturn

from gradlab.errors import FormulaError
from gradlab.symbolic.formula.nodes import Place


def fail(text: str, place: Place, problem: str, remedy: str) -> NoReturn:
    """Raise FormulaError: the problem, the remedy, and the line with a caret below the character."""
    lines = text.split("\n")
    line = lines[place.line] if place.line < len(lines) else ""
    column = min(place.column, len(line))
    start = max(0, column - 60)  # long lines are shown around the place
    shown = line[start : start + 110]
    where = f"line {place.line + 1}, " if len(lines) > 1 else ""
    raise FormulaError(f"{where}column {column + 1}: {problem}; {remedy}\n  {shown}\n  {' ' * (column - start)}^")
