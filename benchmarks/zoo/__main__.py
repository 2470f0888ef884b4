"""`python -m benchmarks.zoo`: how many animals of which category stand in which half."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table

from benchmarks.zoo import CATEGORIES, HARD, MUTANTS, SUBJECTS, half


def table() -> Table:
    """Counts by category and half."""
    counts = Counter((mutant.category, half(mutant.name)) for mutant in MUTANTS)
    result = Table("category", title="The zoo")
    for column in ("tune", "held_out", "all"):
        result.add_column(column, justify="right")
    for category in CATEGORIES:
        tune, held_out = counts[category, "tune"], counts[category, "held_out"]
        result.add_row(category, str(tune), str(held_out), str(tune + held_out))
    for title, group in (("all mutants", MUTANTS), ("ordinary, correct", SUBJECTS), ("hard, correct", HARD)):
        result.add_section()
        halves = Counter(half(animal.name) for animal in group)
        result.add_row(title, str(halves["tune"]), str(halves["held_out"]), str(len(group)))
    return result


if __name__ == "__main__":
    Console().print(table())
