"""What a notebook shows in place of a long repr."""

from __future__ import annotations

from importlib import import_module


class Rich:
    """Derivations, proofs, claims and verdicts: a page as HTML, or the results as LaTeX.

    Layout belongs to `gradlab.documents`, a layer above this one: it is looked up by name when a notebook asks.
    """

    def _repr_html_(self) -> str:
        return str(import_module("gradlab.documents.notebook").html_of(self))

    def _repr_latex_(self) -> str:
        return str(import_module("gradlab.documents.notebook").latex_of(self))
