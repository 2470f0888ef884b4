"""The derivation engine: definitions, adjoints, rewrite rules, proofs. The only importer of SymPy.

`claim` is loaded at its first use, and the engine with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradlab.symbolic.claims import claim as claim

__all__ = ["claim"]


def __getattr__(name: str) -> Any:
    if name == "claim":
        from gradlab.symbolic.claims import claim

        return claim
    raise AttributeError(f"module 'gradlab.symbolic' has no attribute {name!r}")
