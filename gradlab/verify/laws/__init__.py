"""The laws that a backward obeys, one file each: `law(trial)` yields a `Violation` per broken promise.

A law is added by writing its function and listing it in `LAWS`; its name there is the name that `exclude` takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gradlab.verify.laws.batch import batch
from gradlab.verify.laws.contract import contract
from gradlab.verify.laws.convention import convention
from gradlab.verify.laws.edges import edges
from gradlab.verify.laws.jvp import jvp
from gradlab.verify.laws.kinks import kinks
from gradlab.verify.laws.layout import layout
from gradlab.verify.laws.linearity import linearity
from gradlab.verify.laws.precision import NARROW, precision
from gradlab.verify.laws.primal import primal
from gradlab.verify.laws.purity import purity
from gradlab.verify.laws.repeatability import repeatability
from gradlab.verify.laws.second_order import second_order
from gradlab.verify.laws.sharing import sharing
from gradlab.verify.laws.stability import stability
from gradlab.verify.laws.value import value
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

Law = Callable[[Trial], Iterable[Violation]]

# In the order in which they are judged: later laws mean little where an earlier one is broken.
LAWS: dict[str, Law] = {
    "contract": contract,
    "purity": purity,
    "edges": edges,
    "stability": stability,
    "primal": primal,
    "repeatability": repeatability,
    "sharing": sharing,
    "layout": layout,
    "linearity": linearity,
    "kinks": kinks,
    "value": value,
    "convention": convention,
    "batch": batch,
    "jvp": jvp,
    "second_order": second_order,
    "precision": precision,
}

# The others compare with bars that a dtype of three digits makes meaningless; their subject is judged in wider ones.
_NARROW_LAWS = ("contract", "purity", "edges", "repeatability", "precision")


def laws_for(dtype: str) -> dict[str, Law]:
    """The laws that judge a case of a dtype, in order."""
    return {name: LAWS[name] for name in _NARROW_LAWS} if dtype in NARROW else LAWS
