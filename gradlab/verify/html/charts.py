"""The two curves of a finding as coordinates; `templates/chart.html` draws them.

Pure functions of a record's `picture`. Whatever a chart shows stands in `table` as well, for those who cannot see it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradlab.verify.html.axes import LogAxis, Tick
from gradlab.verify.html.numbers import exact, number, short

# Small, because type inside an SVG shrinks with it on a narrow screen.
WIDTH, HEIGHT = 480, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 20, 14, 52
_LETTER = 18  # the height of a line's label

# Shape and dash tell curves apart, colour only helps.
_MARKERS = {"float64": "circle", "longdouble": "square", "backward": "circle", "true": "square"}


@dataclass(frozen=True, slots=True)
class Series:
    """A polyline with a marker on each point. `label` ends or starts at `at`, as `anchor` says in SVG's words."""

    name: str
    kind: str
    marker: str
    points: tuple[tuple[float, float], ...]
    label: str = ""
    at: tuple[float, float] = (0.0, 0.0)
    anchor: str = "start"

    @property
    def path(self) -> str:
        """The `d` of an SVG path."""
        return "M" + "L".join(f"{x:g},{y:g}" for x, y in self.points) if self.points else ""


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal line across the plot, with its label above or below it."""

    kind: str
    at: float
    label: str
    above: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """One plot. `title` and `description` are what a screen reader says in its place."""

    title: str
    description: str
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    series: list[Series]
    lines: list[Line] = field(default_factory=list)
    head: Sequence[str] = ()
    table: Sequence[Sequence[str]] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def against_step(steps: Mapping[str, Any], place: str) -> Chart:
    """The V-curves of central differences, below the line of backward's miss and above the oracle's bound."""
    miss, bound = number(steps["miss"]), number(steps["bound"])
    curves = {name: [number(error) for error in errors] for name, errors in steps["curves"].items()}
    relative = [number(step) for step in steps["step"]]
    everything = [error for errors in curves.values() for error in errors]
    x = LogAxis.around(relative, _LEFT, WIDTH - _RIGHT)
    y = LogAxis.around([*everything, miss, bound], HEIGHT - _BOTTOM, _TOP)
    series = [
        Series(f"central differences in {name}", name, _MARKERS.get(name, "circle"), _points(x, y, relative, errors))
        for name, errors in curves.items()
    ]
    low, high = y.at(bound), y.at(miss) if math.isfinite(miss) else 0.0
    lines = [Line("bound", low, f"bound of the oracle: {short(bound)}", above=low + _LETTER > HEIGHT - _BOTTOM)]
    if math.isfinite(miss):
        lines.append(Line("miss", high, f"backward is off by {short(miss)}", above=high - _LETTER > _TOP))
    best = {name: _best(relative, errors) for name, errors in curves.items()}
    return Chart(
        title=f"Error of central differences at {place} against their step",
        description=" ".join([*(_best_text(name, *found) for name, found in best.items()), _miss_text(miss, bound)]),
        x_label=_step_label(number(steps.get("scale", 1.0))),
        y_label="absolute error",
        x_ticks=x.ticks(6),
        y_ticks=y.ticks(),
        series=series,
        lines=lines,
        head=("relative step", *(f"error in {name}" for name in curves)),
        table=[
            (exact(step), *(exact(errors[row]) for errors in steps["curves"].values()))
            for row, step in enumerate(steps["step"])
        ],
    )


def verdict_on_steps(steps: Mapping[str, Any]) -> str:
    """One sentence: how far the best step comes, and how far off backward is."""
    miss = number(steps["miss"])
    name, errors = next(iter(steps["curves"].items()), ("", []))
    _, best = _best([number(step) for step in steps["step"]], [number(error) for error in errors])
    if not math.isfinite(miss):
        return f"Backward gives {steps['backward']}, whatever the step of a comparison."
    if not math.isfinite(best):
        return "Forward gives no finite number at any of the steps."
    if best >= miss:
        return "Plain differences are too coarse to see this error at any step; the oracle, which extrapolates, is not."
    times = f", {short(miss / best)} times as far" if best > 0 else ""
    comes = f"comes within {short(best)} of the true value" if best > 0 else "meets the true value to its last digit"
    return (
        f"At its best step, a plain central difference in {name} {comes}; backward is off by "
        f"{short(miss)}{times}. No choice of step explains that."
    )


def taylor(curve: Mapping[str, Any], name: str) -> Chart:
    """The Taylor remainder with backward's gradient and with the true one."""
    steps = [number(step) for step in curve["step"]]
    found = {kind: [number(value) for value in curve[kind]] for kind in ("backward", "true")}
    x = LogAxis.around(steps, _LEFT, WIDTH - _RIGHT)
    y = LogAxis.around([value for values in found.values() for value in values], HEIGHT - _BOTTOM, _TOP)
    series = []
    for kind, label in (("backward", "backward"), ("true", "true gradient")):
        slope = slope_text(curve[f"{kind} slope"])
        told = f"{label}: {slope}" if slope == "exact" else f"{label}: slope {slope}"
        points = _points(x, y, steps, found[kind])
        at, anchor = _label_place(points, kind, slope)
        series.append(Series(label, kind, _MARKERS[kind], points, told, at, anchor))
    return Chart(
        title=f"Taylor remainder along a direction in {name} against the step",
        description=f"With backward's gradient the slope is {slope_text(curve['backward slope'])}, "
        f"with the true one {slope_text(curve['true slope'])}; 2 is right and 1 is wrong.",
        x_label="step h along the direction v",
        y_label="|L(x + hv) − L(x) − h⟨∇, v⟩|",
        x_ticks=x.ticks(6),
        y_ticks=y.ticks(),
        series=series,
        head=("step h", "remainder with backward", "remainder with the true gradient"),
        table=[
            (exact(step), exact(curve["backward"][row]), exact(curve["true"][row]))
            for row, step in enumerate(curve["step"])
        ],
    )


def slope_text(slope: object) -> str:
    """`1.00`, or that there is none.

    >>> slope_text(0.99998), slope_text(None)
    ('1.00', 'exact')
    """
    return "exact" if slope is None else f"{number(slope):.2f}"


def _points(x: LogAxis, y: LogAxis, steps: Sequence[float], values: Sequence[float]) -> tuple[tuple[float, float], ...]:
    pairs = zip(steps, values, strict=True)
    return tuple((x.at(step), y.at(value)) for step, value in pairs if math.isfinite(value))


def _label_place(points: Sequence[tuple[float, float]], kind: str, slope: str) -> tuple[tuple[float, float], str]:
    if not points:
        return (0.0, 0.0), "start"
    # Both lines rise to the right: above the upper one there is room to the left, below the lower to the right.
    if kind == "backward":
        x, y = points[2 * len(points) // 5]
        return (x - 8, y - 10), "end"
    x, y = points[3 * len(points) // 5]
    if slope == "exact" or y + 26 > HEIGHT - _BOTTOM:  # no line, but noise
        return (x, min(height for _, height in points[len(points) // 5 :]) - 10), "start"
    return (x + 8, y + 16), "start"


def _best(steps: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    pairs = [(error, step) for step, error in zip(steps, errors, strict=True) if math.isfinite(error)]
    error, step = min(pairs, default=(math.nan, math.nan))
    return step, error


def _best_text(name: str, step: float, error: float) -> str:
    return f"In {name} the smallest error is {short(error)}, at step {short(step)}."


def _miss_text(miss: float, bound: float) -> str:
    known = f"backward is off by {short(miss)}" if math.isfinite(miss) else "backward gives no finite number"
    return f"The oracle's own error is at most {short(bound)}; {known}."


def _step_label(scale: float) -> str:
    return "step h" if scale == 1 else f"step h, in units of {exact(scale)} (the size of the element)"
