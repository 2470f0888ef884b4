"""What was verified, counted: examples, worst errors and the power of each comparison."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.planted import Probe, blind, faint, stated_power

if TYPE_CHECKING:
    from gradlab.verify.cross import Dispute

Key = tuple[str, str]  # argument, dtype


@dataclass(slots=True)
class Comparisons:
    """How often a law compared numbers, and the worst of those that agreed, in units of the tolerance."""

    count: int = 0
    worst: float = 0.0


@dataclass(slots=True)
class Tally:
    """Counts per argument and dtype; `powers` holds relative errors that would have been caught, one per element."""

    cases: int = 0
    verified: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    worst: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    powers: dict[Key, list[Array]] = field(default_factory=lambda: defaultdict(list))
    oracles: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    skipped: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    consulted: dict[str, bool] = field(default_factory=dict)
    disputes: dict[tuple[str, str, str], list[Dispute]] = field(default_factory=dict)
    probes: dict[Key, list[Probe]] = field(default_factory=lambda: defaultdict(list))
    looked: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    stated: dict[Key, float | None] = field(default_factory=dict)
    comparisons: dict[str, Comparisons] = field(default_factory=lambda: defaultdict(Comparisons))

    def record(self, argument: str, dtype: str, oracle: str, count: int, worst: float) -> None:
        """`count` elements of an argument agree with an oracle, the worst at `worst` times the tolerance."""
        if count:
            self.verified[argument, dtype] += count
            self.worst[argument, dtype] = max(self.worst[argument, dtype], worst)
            self.oracles[argument].add(oracle)

    def compared(self, law: str, ratios: Array) -> None:
        """A law without a row of its own compared these numbers, and they agree."""
        found = self.comparisons[law]
        found.count += ratios.size
        found.worst = max(found.worst, float(ratios.max(initial=0.0)))

    def state(self, company: Mapping[str, int]) -> None:
        """Prove the power of every comparison on planted errors; `company` cases per dtype must see each."""
        for key, found in self.powers.items():
            powers = np.concatenate(found)
            self.stated[key] = stated_power(self.probes[key], self.looked[key], powers, company.get(key[1], 1))

    def blind(self, argument: str) -> bool:
        """True where errors were planted in an argument and none was seen."""
        decisive = self._decisive(argument)
        return bool(decisive) and all(blind(probes) for probes in decisive)

    def faint(self, argument: str) -> bool:
        """True where all values of a gradient that were probed may be rounding."""
        return all(faint(probes) for probes in self._decisive(argument))

    def _decisive(self, argument: str) -> list[list[Probe]]:
        """The probes that count, by dtype: those in float64 where there are any."""
        found = {dtype: probes for (name, dtype), probes in self.probes.items() if name == argument and probes}
        return [found["float64"]] if "float64" in found else list(found.values())

    def power(self, argument: str, dtype: str) -> float | None:
        """Relative error p that would have been caught, or None where nothing could be measured.

        The lower quartile over elements, since hostile numbers blur some cases and an error shows where any case is
        clear; raised until a planted error of 2 p is always found, once `state` has tried that.
        """
        if (argument, dtype) in self.stated:
            return self.stated[argument, dtype]
        found = self.powers.get((argument, dtype), [])
        values = np.concatenate(found) if found else np.empty(0)
        return float(np.quantile(values, 0.25)) if values.size else None

    def worst_of(self, argument: str) -> float:
        """The worst ratio over all dtypes."""
        return max((ratio for (name, _), ratio in self.worst.items() if name == argument), default=0.0)

    def count_of(self, argument: str) -> int:
        """Elements verified over all dtypes."""
        return sum(count for (name, _), count in self.verified.items() if name == argument)
