"""The derivation engine: definitions, adjoints, rewrite rules, proofs. The only importer of SymPy.

`claim` and `traced` are loaded at their first use, and the engine with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradlab.symbolic.claims import claim as claim
    from gradlab.symbolic.trace import traced as traced

_HOMES = {"claim": "gradlab.symbolic.claims", "traced": "gradlab.symbolic.trace"}

__all__ = ["claim", "traced"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gradlab.symbolic' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
