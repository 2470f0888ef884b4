"""An ordinary NumPy-style function, called with symbolic arrays, becomes a formula: `@traced("(n,d)->(n,d)")`."""

from gradlab.symbolic.trace.decorator import Traced as Traced
from gradlab.symbolic.trace.decorator import traced as traced
