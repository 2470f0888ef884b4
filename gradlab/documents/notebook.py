"""What notebooks show of derivations, proofs, claims and verdicts; reports of checks have their own pages."""

from __future__ import annotations

from gradlab.documents.audit import audit
from gradlab.documents.chapter import chapter
from gradlab.documents.evidence import counted
from gradlab.documents.html import framed
from gradlab.documents.markdown import aligned
from gradlab.documents.model import Chain, Document
from gradlab.symbolic.audit import Verdict
from gradlab.symbolic.claims import Claim
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.prove import Proof

Shown = Derivation | Proof | Claim | Verdict


def html_of(item: Shown) -> str:
    """A frame with the whole document."""
    return framed(_document(item))


def latex_of(item: Shown) -> str:
    """The formulas that matter: the results of a derivation, the right formula of a claim; "" where there is none."""
    if isinstance(item, Proof):
        return ""
    document = _document(item)
    wanted = "results" if isinstance(item, Derivation) else "claim-1"
    sections = [section for section in document.sections if section.key == wanted]
    chains = [block for section in sections for block in section.blocks if isinstance(block, Chain)]
    derived = [chain for chain in chains if isinstance(item, Derivation) or chain.lines[0].reason == ("derived",)]
    return "\n".join(["$$", *aligned(derived), "$$"]) if derived else ""


def _document(item: Shown) -> Document:
    match item:
        case Derivation():
            return chapter(item)
        case Proof():
            return Document("proof", "Proof", (f"{item}.",), (counted(item),))
        case Claim():
            return audit([item.audit()], "Claim")
        case Verdict():
            return audit([item], "Claim")
