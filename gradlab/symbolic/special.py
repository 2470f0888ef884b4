"""Functions that SymPy lacks or spells out, for definitions: `from gradlab.symbolic.special import sigmoid`.

Each is a row of `functions.ELEMENTARY`, which has its derivative and its stable code in NumPy and torch.
"""

from __future__ import annotations

# SymPy ships no types, and its functions are written small.
import sympy as sp
from sympy.codegen.cfunctions import expm1 as expm1
from sympy.codegen.cfunctions import log1p as log1p

__all__ = [
    "clamp",
    "clip",
    "expm1",
    "log1p",
    "normal_cdf",
    "normal_pdf",
    "safe_rsqrt",
    "safe_sqrt",
    "sigmoid",
    "softplus",
]


class sigmoid(sp.Function):  # type: ignore[misc] # noqa: N801
    """1 / (1 + exp(-u)), without overflow. Equivalent to torch.sigmoid."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return self * (1 - self)


class softplus(sp.Function):  # type: ignore[misc] # noqa: N801
    """log(1 + exp(u)), without overflow. Equivalent to torch.nn.functional.softplus without its threshold."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return sigmoid(self.args[0])


class normal_cdf(sp.Function):  # type: ignore[misc] # noqa: N801
    """The cumulative distribution of the standard normal distribution. Equivalent to torch.special.ndtr."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return normal_pdf(self.args[0])


class normal_pdf(sp.Function):  # type: ignore[misc] # noqa: N801
    """The density of the standard normal distribution, exp(-u**2 / 2) / sqrt(2 pi)."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return -self.args[0] * self


class safe_sqrt(sp.Function):  # type: ignore[misc] # noqa: N801
    """sqrt(u) with the slope 0 at 0, where that of sqrt is infinite: the convention of torch.std."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return safe_rsqrt(self.args[0]) / 2


class safe_rsqrt(sp.Function):  # type: ignore[misc] # noqa: N801
    """1 / sqrt(u) for u > 0, and 0 at 0."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative."""
        return -(self**3) / 2


def _step(difference: sp.Expr, *, at_zero: bool) -> sp.Expr:
    """1 above 0, else 0."""
    return 1 - _step(-difference, at_zero=False) if at_zero else sp.Piecewise((1, difference > 0), (0, True))


class clamp(sp.Function):  # type: ignore[misc] # noqa: N801
    """min(max(u, low), high); its slope is 1 at both bounds."""

    nargs = 3

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative with respect to u."""
        u, low, high = self.args
        return _step(u - low, at_zero=True) * _step(high - u, at_zero=True)


class clip(sp.Function):  # type: ignore[misc] # noqa: N801
    """min(max(u, low), high); its slope is 0 at both bounds, as that of torch.nn.functional.hardtanh."""

    nargs = 3

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """The derivative with respect to u."""
        u, low, high = self.args
        return _step(u - low, at_zero=False) * _step(high - u, at_zero=False)
