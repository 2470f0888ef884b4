"""The error over the elements as three maps of coloured cells: backward, the true gradient, their difference.

Colours are classes (`p4` … `z` … `n4`), so that the style sheet gives each theme its own; the maps of backward and of
the true gradient share one scale. A sign in each wrong cell says the direction of its error without any colour.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradlab.verify.html.numbers import exact, number, short

_LEVELS = 4  # shades on each side of zero
_WIDEST = 230.0  # pixels of one map
_LARGEST, _SMALLEST = 30.0, 7.0  # of one cell
_TOP = 18.0  # room for the column numbers
_WRAP = 16  # a long vector is read in lines


@dataclass(frozen=True, slots=True)
class Cell:
    """A square of a map, its colour class, and the sign that stands in it."""

    x: float
    y: float
    colour: str
    sign: str
    wrong: bool


@dataclass(frozen=True, slots=True)
class Label:
    """An index beside a row or above a column."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Map:
    """One map. `largest` is the value of the deepest colour."""

    name: str
    kind: str
    description: str
    cells: list[Cell]
    largest: str


@dataclass(frozen=True, slots=True)
class Maps:
    """The three maps, their common geometry, and the numbers as a table."""

    maps: list[Map]
    rows: list[Label]
    columns: list[Label]
    size: float
    left: float
    width: float
    height: float
    head: Sequence[str]
    table: list[tuple[str, ...]]
    wrong: int
    total: int


def maps(data: Mapping[str, Any]) -> Maps:
    """The maps of a record's `picture["map"]`."""
    shape = [int(size) for size in data["shape"]]
    backward, true = _numbers(data["backward"]), _numbers(data["true"])
    wrong = [bool(flag) for flag in data["wrong"]]
    error = [b - t for b, t in zip(backward, true, strict=True)]
    # Rounding is no pattern: elements that are right stay blank in the map of the error.
    shown = [value if flag else 0.0 for value, flag in zip(error, wrong, strict=True)]
    columns = _columns(shape, len(backward))
    rows = math.ceil(len(backward) / columns)
    row_labels = [_row_label(shape, row, columns) for row in range(rows)]
    left = 8 + 6.4 * max(len(label) for label in row_labels)
    size = round(max(_SMALLEST, min(_LARGEST, (_WIDEST - left) / columns)), 2)
    common = _largest([*backward, *true])

    def cells(values: Sequence[float], largest: float, signed: bool) -> list[Cell]:
        return [
            Cell(
                left + size * (k % columns),
                _TOP + size * (k // columns),
                _colour(value, largest),
                _sign(value) if signed and wrong[k] else "",
                wrong[k],
            )
            for k, value in enumerate(values)
        ]

    every, stride = math.ceil(14 / size), math.ceil(16 / size)
    count = sum(wrong)
    parts = (
        ("backward", "gradient", f"backward, from {_range(backward)}", backward, common),
        ("true", "gradient", f"the true gradient by {data.get('oracle', 'the oracle')}, {_range(true)}", true, common),
        ("error", "error", f"backward minus true: {count} of {len(wrong)} elements wrong", shown, _largest(shown)),
    )
    return Maps(
        maps=[
            Map(name, kind, text, cells(values, largest, name == "error"), short(largest))
            for name, kind, text, values, largest in parts
        ],
        rows=[Label(_TOP + size * (r + 0.5), label) for r, label in enumerate(row_labels) if r % every == 0],
        columns=[Label(left + size * (c + 0.5), str(c)) for c in range(columns) if c % stride == 0],
        size=size,
        left=left,
        width=left + size * columns + 2,
        height=_TOP + size * rows + 2,
        head=("index", "backward", "true", "backward − true", "error of the oracle", "judged"),
        table=[
            (
                ", ".join(map(str, _index(shape, k))) or "()",
                exact(data["backward"][k]),
                exact(data["true"][k]),
                exact(error[k]) if math.isfinite(error[k]) else "–",
                exact(data["error"][k]),
                "wrong" if wrong[k] else "right" if data["true"][k] is not None else "no opinion",
            )
            for k in range(len(backward))
        ],
        wrong=count,
        total=len(wrong),
    )


def _numbers(values: Sequence[object]) -> list[float]:
    return [number(value) for value in values]


def _columns(shape: Sequence[int], count: int) -> int:
    if len(shape) >= 2:
        return max(1, shape[-1])
    return min(max(1, count), _WRAP)


def _index(shape: Sequence[int], flat: int) -> list[int]:
    index: list[int] = []
    for size in reversed(shape):
        flat, place = divmod(flat, size)
        index.insert(0, place)
    return index


def _row_label(shape: Sequence[int], row: int, columns: int) -> str:
    if len(shape) >= 2:
        return ",".join(map(str, _index(shape[:-1], row)))
    return str(row * columns) if shape else ""


def _largest(values: Sequence[float]) -> float:
    return max((abs(value) for value in values if math.isfinite(value)), default=0.0)


def _colour(value: float, largest: float) -> str:
    """The class of a value's colour.

    >>> _colour(-2.0, 2.0), _colour(0.3, 2.0), _colour(0.0, 0.0), _colour(float("nan"), 1.0)
    ('n4', 'p1', 'z', 'none')
    """
    if not math.isfinite(value):
        return "none"
    part = abs(value) / largest if largest else 0.0
    level = math.ceil(_LEVELS * part - 1e-9)
    if part < 1e-3:
        return "z"
    return f"{'p' if value > 0 else 'n'}{level}"


def _sign(value: float) -> str:
    if math.isnan(value):
        return "!"
    return "+" if value > 0 else "−"


def _range(values: Sequence[float]) -> str:
    finite = [value for value in values if math.isfinite(value)]
    lost = len(values) - len(finite)
    text = f"{short(min(finite))} to {short(max(finite))}" if finite else "no finite number"
    return f"{text}, {lost} without a number" if lost else text
