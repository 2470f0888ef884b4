"""Which tests a run takes: all of them, or its part of what is dealt out over three Pythons.

Where GRADLAB_CATALOGUE is "third", as tox sets it, a test over every operation takes a third of them: another one on
each of three Pythons in a row, so that 3.11, 3.12 and 3.13 together test all. Tests that are marked slow, or their
cases, are dealt out in the same way.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")

WHOLE = os.environ.get("GRADLAB_CATALOGUE") != "third"
_TURN = sys.version_info.minor % 3


def share(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases, names for instance, that this run is to test."""
    every = tuple(cases)
    return every if WHOLE else every[_TURN::3]


def is_shared(test: str) -> bool:
    """Whether this run is the one that a slow test of this id belongs to."""
    return WHOLE or zlib.crc32(test.encode()) % 3 == _TURN
