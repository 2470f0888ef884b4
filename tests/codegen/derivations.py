"""Derivations, made once for all tests of this folder."""

from functools import cache

from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.load import definitions
from gradlab.symbolic.read import read


@cache
def derivation(name: str) -> Derivation:
    """The derivation of a registered operation."""
    return derive(read(definitions()[name]))
