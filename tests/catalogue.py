"""The operations that tests run over, and their derivations, made once for each worker."""

from __future__ import annotations

from functools import cache

from gradlab import registry
from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.load import definitions
from gradlab.symbolic.read import read

NAMES = registry.names()


@cache
def derivation(name: str) -> Derivation:
    """The derivation of a registered operation."""
    return derive(read(definitions()[name]))
