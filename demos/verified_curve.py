"""The picture of gradients checked while training."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol

_SMALLEST = 1e-16


class Point(Protocol):
    """One layer at one step: see `demos.verification.Check`."""

    @property
    def step(self) -> int: ...
    @property
    def layer(self) -> str: ...
    @property
    def slope(self) -> float: ...
    @property
    def discrepancy(self) -> float: ...
    @property
    def bound(self) -> float: ...
    @property
    def right(self) -> bool: ...


def draw(points: Sequence[Point]) -> bytes:
    """Discrepancy and bound, both beside the slope, of each layer over the steps, as a PNG."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    layers = list(dict.fromkeys(point.layer for point in points))
    for position, layer in enumerate(layers):
        own = [point for point in points if point.layer == layer]
        colour = colormaps["viridis"](position / max(len(layers) - 1, 1))
        steps = [point.step for point in own]
        for quantity, style in (("discrepancy", "o-"), ("bound", "--")):
            ratios = [max(getattr(point, quantity) / (abs(point.slope) or 1.0), _SMALLEST) for point in own]
            name = f"layer {layer}" if quantity == "discrepancy" and position in (0, len(layers) - 1) else None
            axes.plot(steps, ratios, style, color=colour, markersize=3, linewidth=0.8, label=name)
    wrong = [point for point in points if not point.right]
    if wrong:
        ratios = [point.discrepancy / (abs(point.slope) or 1.0) for point in wrong]
        axes.plot([point.step for point in wrong], ratios, "rx", markersize=9, label="beyond the bound")
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("beside the slope of the loss")
    axes.set_title("Gradients against differences of the loss, while training (bounds dashed)", fontsize="medium")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    return written.getvalue()
