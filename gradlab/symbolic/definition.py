"""What an author writes in `derivations/`: inputs, a chain of bindings in SymPy, the output and declared facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from gradlab.errors import DefinitionError
from gradlab.operation import Along, Domain, Kink, Packed, Parameter, real


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor that the operation takes, with its shape written as an entry: `x[n, d]`, or a bare symbol."""

    entry: sp.Expr
    domain: Domain
    differentiable: bool


def given(entry: sp.Expr, domain: Domain | None = None, *, differentiable: bool | None = None) -> Input:
    """Declare an input. Domains without a derivative (labels, masks, …) are never differentiable."""
    domain = domain or real()
    return Input(entry, domain, domain.continuous if differentiable is None else differentiable)


class indicator(sp.Function):  # type: ignore[misc] # noqa: N801 - SymPy is untyped; written like its functions
    """1 where the argument is above 0, else 0; constant almost everywhere, so that its derivative is 0."""

    nargs = 1


class at_most(sp.Function):  # type: ignore[misc]  # noqa: N801 - stands beside SymPy's own functions
    """1 where one index is not behind another of the same axis, else 0: `Sum(x[k] * at_most(k, d), k)`."""

    nargs = 2


@dataclass(frozen=True, slots=True)
class Let:
    """One binding of the chain: `name[indices] = value`."""

    entry: sp.Expr
    value: sp.Expr


def let(entry: sp.Expr, value: sp.Expr | float) -> Let:
    """Bind `entry`, such as `s[n]`, to an expression over inputs, parameters and earlier bindings."""
    return Let(entry, _expression(value, f"let({entry}, {value!r})"))


class argmax(sp.Function):  # type: ignore[misc]  # noqa: N801 - written like SymPy's own functions, exp and log
    """Where an expression is largest: `let(at[n], argmax(x[n, k], k))`; then `x[n, at[n]]` is the maximum.

    The place of the first of several maxima, as torch and NumPy have it: it is constant for differentiation, so the
    gradient of the maximum goes to that entry alone. It stands as the whole of a binding, which then holds positions
    and can only index. Over several indices, as in `argmax(x[n, i, j], i, j)`, one position stands for all of them:
    `x[n, at[n], at[n]]` is the maximum.
    """

    @classmethod
    def eval(cls, entry: sp.Expr, *over: sp.Idx) -> None:
        """Stay as it is written."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something true of the inputs that the engine cannot see: `left`, a sum over one input, equals `right`."""

    left: sp.Expr
    right: sp.Expr


def fact(left: sp.Expr, right: sp.Expr | float) -> Fact:
    """Declare that `left` equals `right`, as in `fact(Sum(t[n, d], d), 1)`."""
    return Fact(left, _expression(right, f"fact({left}, {right!r})"))


@dataclass(frozen=True, slots=True)
class Shift:
    """What the forward subtracts from `entry`: its maximum over the index `over`, of the entries where `where` is 1.

    Entries where it is 0 become -inf. `restored` are bindings that move with the shift; they get it back.
    """

    entry: sp.Expr
    over: sp.Idx
    where: sp.Expr | None
    restored: tuple[sp.Expr, ...]


def shift(entry: sp.Expr, over: sp.Idx, *, where: sp.Expr | None = None, restored: Sequence[sp.Expr] = ()) -> Shift:
    """Declare a shift of an input or a binding, as in `shift(s[n, k], k, where=mask[n, k])` or `restored=[y[n]]`."""
    return Shift(entry, over, where, tuple(restored))


def _expression(value: sp.Expr | float, where: str) -> sp.Expr:
    try:
        return sp.sympify(value, strict=True)  # strict: SymPy evaluates text as Python
    except sp.SympifyError:
        raise DefinitionError(f"{where}: not a SymPy expression; write it with SymPy functions") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """An operation as its author writes it.

    `leading` is the size symbol that stands for any number of leading dimensions. `shift` says from what the forward
    subtracts the maximum over an index before exponentials; an index alone means the first input. The engine proves
    that what the operation returns and saves does not change. `along=Along("d")` gives the kernels a keyword `axis`:
    what is written over the last axis d, behind a leading one, then runs along any. `broadcast` lets the leading
    dimensions of the inputs differ as far as they broadcast. `packed=Packed("c", "num_groups", "k")` says that
    x[n, g, k], where g runs over an integer parameter, is x[n, c] to the caller. `nonempty` names sizes that must not
    be 0 (torch has no convolution without channels). `ceil` names an integer parameter, 0 or 1, that rounds the number
    of windows up (torch's ceil_mode). `tracked` are bindings that the forward hands out beside what the derivatives
    need, for layers with running statistics. `reference` is an independent implementation as one torch
    expression over the argument names; None for a reader's own formula, whose text is in `formula`. `function` is the
    NumPy function that a traced formula comes from.
    """

    name: str
    summary: str
    inputs: Sequence[Input]
    lets: Sequence[Let]
    output: sp.Expr
    reference: str | None
    parameters: Sequence[Parameter] = ()
    facts: Sequence[Fact] = ()
    kinks: Sequence[Kink] = ()
    nonempty: Sequence[sp.Symbol] = ()
    leading: sp.Symbol | None = None
    shift: sp.Idx | Shift | None = None
    along: Along | None = None
    broadcast: bool = False
    packed: Packed | None = None
    ceil: str = ""
    tracked: Sequence[sp.Expr] = ()
    formula: str = ""
    function: Callable[..., Any] | None = None
    source: str = "a definition"
