"""Documents from the one list of proved steps: LaTeX, HTML, Markdown, plain text, SymPy. Layout only.

`chapter` gives the document of one operation in no format; one writer for each format prints it.
"""

from gradlab.documents.chapter import chapter
from gradlab.documents.plain import WIDTH, plain
from gradlab.documents.sympy_code import sympy_code

__all__ = ["WIDTH", "chapter", "plain", "sympy_code"]
