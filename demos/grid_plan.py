"""The runs of the report's grids, chosen by filters, and the stacks in which they train together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise, product
from typing import Any

from demos.errors import OptionError
from demos.networks import CLASSES, PIXELS


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """One configuration: `layers` hidden layers of `width`, trained for `steps` on batches of `batch`."""

    layers: int
    width: int
    batch: int
    optimizer: str
    lr: float
    steps: int

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return (self.width,) * self.layers

    @property
    def name(self) -> str:
        """Unique in all grids: the key of its row in the log."""
        return f"{self.layers}x{self.width}-batch{self.batch}-{self.optimizer}-lr{self.lr:g}-steps{self.steps}"


@dataclass(frozen=True, slots=True)
class Stack:
    """Runs of one shape and batch size, of any optimizer, learning rate and length."""

    runs: tuple[Run, ...]

    @property
    def steps(self) -> int:
        """Of the longest run."""
        return max(run.steps for run in self.runs)

    @property
    def models(self) -> tuple[tuple[str, float], ...]:
        """Optimizer and learning rate of each network that is trained; a shorter run is the beginning of a longer."""
        return tuple(sorted({(run.optimizer, run.lr) for run in self.runs}))

    @property
    def multiplications(self) -> float:
        """Of its steps, without evaluations: forward, weights' gradients, and inputs' but for the first layer's."""
        first = self.runs[0]
        widths = (PIXELS, *first.hidden, CLASSES)
        products = [a * b for a, b in pairwise(widths)]
        return float((3 * sum(products) - products[0]) * first.batch * self.steps * len(self.models))


def report() -> list[Run]:
    """The report's 486 runs.

    >>> len(report())
    486
    """
    found = product((1, 2, 3), (100, 200, 400), (100, 200, 400), _OPTIMIZERS, (2e-2, 2e-3, 2e-4), (1500, 3000))
    return [Run(*values) for values in found]


def extended() -> list[Run]:
    """The report's deeper networks: 3, 4 and 5 layers of 400, trained with Adam."""
    return [Run(layers, 400, 400, "adam", 2e-4, 3000) for layers in (3, 4, 5)]


_OPTIMIZERS = ("sgd", "adam", "adadelta")
GRIDS = {"report": report, "extended": extended}
_KEYS = {"optimizer": "optimizer", "lr": "lr", "steps": "steps", "batch": "batch", "hidden": "layers", "width": "width"}


def chosen(runs: Iterable[Run], only: str) -> list[Run]:
    """The runs that fit all of `key=value[|value]`, separated by commas. Raises OptionError where none does.

    >>> len(chosen(report(), "optimizer=adam|sgd,hidden=1"))
    108
    """
    found = list(runs)
    for part in filter(None, only.split(",")):
        key, _, text = part.strip().partition("=")
        if key not in _KEYS:
            raise OptionError(f"--only {part!r}: no key {key!r}; write {', '.join(f'{name}=…' for name in _KEYS)}")
        there = sorted({asdict(run)[_KEYS[key]] for run in found})
        wanted = {_value(item, there, part) for item in text.split("|")}
        found = [run for run in found if asdict(run)[_KEYS[key]] in wanted]
    return found


def _value(text: str, there: list[Any], part: str) -> Any:
    try:
        value = type(there[0])(text)
    except ValueError:
        value = None
    if value not in there:
        raise OptionError(f"--only {part!r}: no run has {text!r}; there are {', '.join(f'{item}' for item in there)}")
    return value


def stacks(runs: Iterable[Run]) -> list[Stack]:
    """Runs that differ in optimizer, learning rate and steps only train together."""
    found: dict[tuple[int, int, int], list[Run]] = {}
    for run in runs:
        found.setdefault((run.layers, run.width, run.batch), []).append(run)
    return [Stack(tuple(sorted(some))) for some in found.values()]
