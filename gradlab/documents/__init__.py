"""Documents from the one list of proved steps: plain text, LaTeX, SymPy. Layout only; the mathematics comes derived."""

from gradlab.documents.latex import latex
from gradlab.documents.plain import WIDTH, plain
from gradlab.documents.sympy_code import sympy_code

__all__ = ["WIDTH", "latex", "plain", "sympy_code"]
