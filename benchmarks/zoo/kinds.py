"""The kinds of mistake that a correct diagnosis of each mutant may name, kept in `kinds.toml` beside this file.

The labels are data, apart from the mutants, because they answer another question: a mutant says what is done wrong, a
label says what its author must be told. How they were given stands at the top of `kinds.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradlab.verify.diagnose.diagnosis import Kind


@cache
def labels() -> Mapping[str, tuple[Kind, ...]]:
    """Every mutant's name with its acceptable kinds, the one that says most first; read once.

    >>> labels()["linear/bias_not_summed"]
    ('wrong axis', 'contract')
    """
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {
        f"{operation}/{mutant}": tuple(kinds) for operation, table in tables.items() for mutant, kinds in table.items()
    }
