"""gradlab: derive gradients symbolically, verify any backward pass, train with verified layers.

Every public name is loaded at its first use: `import gradlab` alone loads neither hypothesis, sympy nor torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradlab.adapters.cached import from_cached as from_cached
    from gradlab.adapters.layers import from_layer as from_layer
    from gradlab.errors import GradientError as GradientError
    from gradlab.errors import GradlabError as GradlabError
    from gradlab.operation import integers as integers
    from gradlab.operation import labels as labels
    from gradlab.operation import mask as mask
    from gradlab.operation import non_negative as non_negative
    from gradlab.operation import one_hot as one_hot
    from gradlab.operation import positive as positive
    from gradlab.operation import real as real
    from gradlab.operation import signs as signs
    from gradlab.operation import simplex as simplex
    from gradlab.verify.check import check as check
    from gradlab.verify.check import verify as verify
    from gradlab.verify.report import Finding as Finding
    from gradlab.verify.report import Report as Report
    from gradlab.verify.testing import property_test as property_test

_DOMAINS = ("real", "positive", "non_negative", "simplex", "one_hot", "labels", "mask", "signs", "integers")

_HOMES = {
    "check": "gradlab.verify.check",
    "Report": "gradlab.verify.report",
    "property_test": "gradlab.verify.testing",
    "Finding": "gradlab.verify.report",
    "from_cached": "gradlab.adapters.cached",
    "from_layer": "gradlab.adapters.layers",
    "GradlabError": "gradlab.errors",
    "GradientError": "gradlab.errors",
    **dict.fromkeys(_DOMAINS, "gradlab.operation"),
}

__all__ = [
    "Finding",
    "GradientError",
    "GradlabError",
    "Report",
    "check",
    "from_cached",
    "from_layer",
    "integers",
    "labels",
    "mask",
    "non_negative",
    "one_hot",
    "positive",
    "property_test",
    "real",
    "signs",
    "simplex",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in ("verify", "torch", "jax", "nn"):
        # The package `gradlab.verify` is itself callable, so that the function and the package can share their name.
        return import_module(f"gradlab.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'gradlab' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
