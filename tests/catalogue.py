"""The operations that tests run over, and their derivations, made once for each worker.

Where GRADLAB_CATALOGUE is "third", as tox sets it, a test over every operation takes a third of them: another one on
each of three Pythons in a row, so that 3.11, 3.12 and 3.13 together test all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import cache
from typing import TypeVar

from gradlab import registry
from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.load import definitions
from gradlab.symbolic.read import read

Case = TypeVar("Case")


def share(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases, names for instance, that this run is to test."""
    every = tuple(cases)
    if os.environ.get("GRADLAB_CATALOGUE") != "third":
        return every
    return every[sys.version_info.minor % 3 :: 3]


NAMES = share(registry.names())


@cache
def derivation(name: str) -> Derivation:
    """The derivation of a registered operation."""
    return derive(read(definitions()[name]))
