"""A claim about a derivative, as somebody wrote it down: a Jacobian, a VJP or a shape, in the notation of formulas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gradlab.errors import DefinitionError
from gradlab.symbolic.definition import Definition
from gradlab.symbolic.rich import Rich

if TYPE_CHECKING:
    from gradlab.symbolic.audit import Verdict

VerdictKind = Literal["proved", "refuted", "ill-formed"]


@dataclass(frozen=True, kw_only=True)
class Claim(Rich):
    """What `claim` declares. `label` and `says` are the equation's number and its words in the source."""

    operation: str | Definition
    wrt: str
    of: str = ""
    jacobian: str = ""
    vjp: str = ""
    shape: str = ""
    where: str = ""
    label: str = ""
    says: str = ""
    expected: VerdictKind = "proved"

    @property
    def formula(self) -> str:
        """The formula or the shape that is claimed."""
        return self.jacobian or self.vjp or self.shape

    @property
    def kind(self) -> str:
        """Which of the three it is."""
        return "jacobian" if self.jacobian else "vjp" if self.vjp else "shape"

    @property
    def name(self) -> str:
        """The operation's name."""
        return self.operation if isinstance(self.operation, str) else self.operation.name

    def audit(self) -> Verdict:
        """Prove or refute it."""
        from gradlab.symbolic.audit import audit

        return audit(self)

    def __str__(self) -> str:
        label = f"{self.label}: " if self.label else ""
        where = f" where {self.where}" if self.where else ""
        return f"{label}{self.name}: {self.left} = {self.formula}{where}"

    @property
    def left(self) -> str:
        """What the claim is about, in words of the notation."""
        if self.kind == "jacobian":
            return f"d {self.of or 'output'} / d {self.wrt}"
        return f"grad {self.wrt}" if self.kind == "vjp" else f"shape of grad {self.wrt}"


def claim(
    operation: str | Definition,
    *,
    wrt: str,
    of: str = "",
    jacobian: str = "",
    vjp: str = "",
    shape: str = "",
    where: str = "",
    label: str = "",
    says: str = "",
    expected: VerdictKind = "proved",
) -> Claim:
    """Claim one formula about an operation (a registered name or a Definition of one's own).

    Exactly one of these is given: `jacobian`, the derivative of the entry `of` with respect to the entry `wrt`; `vjp`,
    the gradient of a scalar with respect to the entry `wrt`, where g is its gradient with respect to the output; or
    `shape`, that of the gradient, as in "1 x D". Entries say which letter stands for which index: of="y[i]",
    wrt="weight[j,k]"; without brackets the letters i, j, k, … are given in order, first to the output. Leading
    dimensions may be left out: the claim is then about one row. `where` restricts it: "i == j" or "i != j".

    >>> str(claim("softmax", wrt="x", jacobian="y[i]*(delta(i,j) - y[j])").audit().kind)
    'proved'

    Raises DefinitionError where not exactly one formula is given.
    """
    if sum(map(bool, (jacobian, vjp, shape))) != 1:
        raise DefinitionError("claim(...): give exactly one of jacobian=, vjp= and shape=")
    return Claim(
        operation=operation,
        wrt=wrt,
        of=of,
        jacobian=jacobian,
        vjp=vjp,
        shape=shape,
        where=where,
        label=label,
        says=says,
        expected=expected,
    )
