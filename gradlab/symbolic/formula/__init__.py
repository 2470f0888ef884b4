"""A formula as a reader types it, `y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))`, becomes a Definition.

Text is parsed into the nodes of `nodes.py` and nothing else: it is never evaluated, by Python or by SymPy.
"""

from gradlab.symbolic.formula.build import formula as formula
from gradlab.symbolic.formula.nodes import Formula as Formula
from gradlab.symbolic.formula.parse import parse as parse
