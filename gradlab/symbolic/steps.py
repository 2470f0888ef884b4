"""One record per derivation step. Documents, proofs and code all read this list, so they cannot drift apart."""

from __future__ import annotations

from dataclasses import dataclass

from gradlab.symbolic.indices import Index
from gradlab.symbolic.rules import Rule
from gradlab.symbolic.terms import Expr, Ref, Term


@dataclass(frozen=True)
class Pullback:
    """What the chain rule sums for the adjoint of `target`: over its uses w, Sum_J adjoint_w[J] dw[J]/dtarget.

    `uses` pairs the name of each use with the adjoint already found for it, in terms of the use's own indices.
    """

    target: Ref
    uses: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Pushforward:
    """What the chain rule sums for the tangent of `target`: the total derivative of its value along the tangents."""

    target: Ref
    value: Expr
    tangents: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class Factored:
    """prefactor * (sum of the inner terms): a normal form with its common factor in front."""

    prefactor: Term
    inner: Expr


Side = Expr | Factored | Pullback | Pushforward


@dataclass(frozen=True)
class Step:
    """`before` equals `after` because of `rule`; `path` is the position of the rewritten term in `before`.

    `subject` names what is being derived (the adjoint of x, a lemma, …) and `free` its indices.
    """

    subject: str
    free: tuple[Index, ...]
    before: Side
    after: Expr | Factored
    rule: str
    reason: str
    path: tuple[int, ...] = ()
    rewrite: Rule | None = None
