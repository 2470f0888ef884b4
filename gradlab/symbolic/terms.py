"""Index expressions in a normal form: sums of terms, a term being coefficient x powers of atoms under summed indices.

An index belongs to an axis (its sort); two axes are never interchangeable, also where their sizes happen to be equal.
Terms compare, hash and merge through a key that does not depend on the names of their summed indices.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import floor

from gradlab.errors import DefinitionError
from gradlab.symbolic.indices import Axis, Gather, Index, Renaming, Slot, rename_slot, show_slot, slot_indices


@dataclass(frozen=True, slots=True)
class Ref:
    """One element of a named tensor."""

    tensor: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Delta:
    """1 where the two slots are equal, else 0. delta[i,j] and delta[j,i] are one atom."""

    left: Slot
    right: Slot

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Delta) and {self.left, self.right} == {other.left, other.right}

    def __hash__(self) -> int:
        return hash(frozenset((self.left, self.right)))


@dataclass(frozen=True, slots=True)
class Size:
    """The size of an axis, as a factor."""

    axis: Axis


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that is not rational, or the root of one that is: `pi`, or a whole number to a fractional power."""

    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """An elementary function of a monomial; `others` are further operands, as the bounds in clip(u, low, high)."""

    name: str
    argument: Term
    others: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Indicator:
    """1 where the monomial is above 0, else 0; with `bounds`, 1 where it lies between them.

    The bounds themselves count where it is `closed`.
    """

    argument: Term
    bounds: tuple[Term, ...] = ()
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """Where a monomial is largest: the place of the first maximum over the indices that `argument` binds.

    The monomial holds one tensor with these indices; the place is counted along the axes that they stand on, row by
    row. It is a whole number, constant for differentiation, and stands alone as the value of a binding.
    """

    argument: Term

    @property
    def searched(self) -> tuple[Axis, ...]:
        """The axes that the place is counted along."""
        bound = set(self.argument.bound)
        return tuple(slot.axis for slot in atom_slots(self) if not bound.isdisjoint(slot_indices(slot)))


@dataclass(frozen=True, slots=True)
class Order:
    """1 where the left slot is not behind the right one on their axis, else 0: [k <= d]."""

    left: Slot
    right: Slot


@dataclass(frozen=True, slots=True)
class Prod:
    """The product of a monomial over the index that `argument` binds, without the entries at some places.

    It is 0 where two of these are equal, so that the derivative of a product without one entry is a sum of products
    without two.
    """

    argument: Term
    without: tuple[Slot, ...] = ()


Atom = Ref | Delta | Size | Constant | Function | Indicator | Order | Prod | Position
Factor = tuple[Atom, Fraction]


def operands(atom: Atom) -> tuple[Term, ...]:
    """The monomials inside an atom: the argument of a function or indicator, and what stands beside it."""
    match atom:
        case Function(_, argument, others) | Indicator(argument, others):
            return (argument, *others)
        case _:
            return ()


def with_operand(atom: Atom, position: int, value: Term) -> Atom:
    """The atom with another monomial at one position of `operands`."""
    argument, *others = (value if i == position else operand for i, operand in enumerate(operands(atom)))
    if isinstance(atom, Function):
        return Function(atom.name, argument, tuple(others))
    assert isinstance(atom, Indicator)  # nothing else has operands
    return Indicator(argument, tuple(others), atom.closed)


def atom_indices(atom: Atom) -> Iterator[Index]:
    """The indices that an atom depends on, in order, repeats included."""
    running = atom.argument.bound if isinstance(atom, Prod | Position) else ()
    for slot in atom_slots(atom):
        yield from (index for index in slot_indices(slot) if index not in running)


def rename_atom(atom: Atom, renaming: Renaming) -> Atom:
    """Replace indices inside an atom."""
    match atom:
        case Ref(tensor, slots):
            return Ref(tensor, tuple(rename_slot(slot, renaming) for slot in slots))
        case Delta(left, right):
            return Delta(rename_slot(left, renaming), rename_slot(right, renaming))
        case Function(name, argument, others):
            return Function(name, argument.rename(renaming), tuple(other.rename(renaming) for other in others))
        case Indicator(argument, bounds, closed):
            return Indicator(argument.rename(renaming), tuple(bound.rename(renaming) for bound in bounds), closed)
        case Position(argument):
            return Position(argument.rename(renaming))
        case Order(left, right):
            return Order(rename_slot(left, renaming), rename_slot(right, renaming))
        case Prod(argument, without):
            return Prod(argument.rename(renaming), tuple(rename_slot(slot, renaming) for slot in without))
        case Size() | Constant():
            return atom


def replace_slot(atom: Atom, old: Slot, new: Slot) -> Atom:
    """Put another slot in the place of one; functions and indicators stay as they are."""
    match atom:
        case Ref(tensor, slots):
            return Ref(tensor, tuple(new if slot == old else slot for slot in slots))
        case Delta(left, right):
            return Delta(new if left == old else left, new if right == old else right)
    return atom


def show_atom(atom: Atom, name: Callable[[Index], str]) -> str:
    """An atom as plain text, used in keys, messages and derivations; the caller names the indices."""
    match atom:
        case Ref(tensor, slots):
            return f"{tensor}[{','.join(show_slot(slot, name) for slot in slots)}]" if slots else tensor
        case Delta(left, right):
            # Not delta[i,j]: a tensor may have that name.
            return f"[{' = '.join(sorted((show_slot(left, name), show_slot(right, name))))}]"
        case Size(axis):
            return axis.size
        case Constant(constant):
            return constant
        case Function(function):
            return f"{function}({', '.join(show_monomial(operand, name) for operand in operands(atom))})"
        case Indicator(argument, ()):
            return f"[{show_monomial(argument, name)} > 0]"
        case Indicator(argument, (low, high), closed):
            sign = "<=" if closed else "<"
            shown = f" {sign} ".join(show_monomial(part, name) for part in (low, argument, high))
            return f"[{shown}]"
        case Position(argument):
            own = _canonical_names(argument)
            return f"argmax({show_monomial(argument, lambda i: own[i] if i in argument.bound else name(i))})"
        case Order(left, right):
            return f"[{show_slot(left, name)} <= {show_slot(right, name)}]"
        case Prod(argument, without):
            own = {index: f"?{index.axis.name}" for index in argument.bound}
            inside = show_monomial(argument, lambda index: own.get(index) or name(index))
            return f"prod[{','.join(sorted(show_slot(slot, name) for slot in without))}]({inside})"
    raise AssertionError(f"an indicator has no bound or two, not {atom}")


def show_monomial(term: Term, name: Callable[[Index], str]) -> str:
    """A term without its sums, as an unambiguous key (not for display)."""
    factors = sorted(f"{show_atom(atom, name)}^{exponent}" for atom, exponent in term.factors)
    return "*".join([str(term.coefficient), *factors])


@dataclass(frozen=True, eq=False)
class Term:
    """coefficient x product of atom**exponent, summed over the `bound` indices."""

    coefficient: Fraction
    factors: tuple[Factor, ...] = ()
    bound: tuple[Index, ...] = ()

    @staticmethod
    def make(coefficient: Fraction, factors: Iterable[Factor], bound: Iterable[Index] = ()) -> Term:
        """Merge equal atoms; a summed index that occurs nowhere becomes a factor of its axis's size."""
        powers: dict[Atom, Fraction] = {}
        for atom, exponent in factors:
            powers[atom] = powers.get(atom, Fraction(0)) + exponent
        for atom in list(powers):
            if isinstance(atom, Delta | Indicator | Order) and powers[atom] > 0:
                powers[atom] = Fraction(1)  # 0 and 1 are their own powers
            elif isinstance(atom, Constant) and atom.name.isdigit():
                whole = floor(powers[atom])  # 2 sqrt(2) and sqrt(2) / 2 are written with one root of 2
                coefficient *= Fraction(int(atom.name)) ** whole
                powers[atom] -= whole
        used = {index for atom, exponent in powers.items() if exponent for index in atom_indices(atom)}
        kept = []
        for index in bound:
            if index in used:
                kept.append(index)
            else:
                size = Size(index.axis)
                powers[size] = powers.get(size, Fraction(0)) + 1
        return Term(coefficient, tuple((a, e) for a, e in powers.items() if e), tuple(kept))

    @cached_property
    def indices(self) -> tuple[Index, ...]:
        """Every index once, in order of appearance."""
        return tuple(dict.fromkeys(index for atom, _ in self.factors for index in atom_indices(atom)))

    @cached_property
    def free(self) -> tuple[Index, ...]:
        """The indices that are not summed over."""
        return tuple(index for index in self.indices if index not in self.bound)

    @cached_property
    def body(self) -> str:
        """The key without the coefficient: equal for two terms exactly if they differ by a number at most."""
        names = _canonical_names(self)
        shown = sorted(f"{show_atom(a, names.__getitem__)}^{e}" for a, e in self.factors)
        return f"sum[{','.join(sorted(names[i] for i in self.bound))}]({'*'.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Term) and (self.coefficient, self.body) == (other.coefficient, other.body)

    def __hash__(self) -> int:
        return hash((self.coefficient, self.body))

    def rename(self, renaming: Renaming) -> Term:
        """Replace free indices; summed ones are made fresh first where they could capture."""
        if not renaming:
            return self
        targets = {index for slot in renaming.values() for index in slot_indices(slot)}
        full: dict[Index, Slot] = {k: v for k, v in renaming.items() if k not in self.bound}
        bound = []
        for index in self.bound:
            new = Index.fresh(index.axis) if index in targets else index
            full[index] = new
            bound.append(new)
        return Term.make(self.coefficient, ((rename_atom(a, full), e) for a, e in self.factors), bound)

    def fresh(self) -> Term:
        """The same term with summed indices that occur nowhere else."""
        renaming: dict[Index, Slot] = {index: Index.fresh(index.axis) for index in self.bound}
        factors = tuple((rename_atom(atom, renaming), exponent) for atom, exponent in self.factors)
        return Term(self.coefficient, factors, tuple(i for i in renaming.values() if isinstance(i, Index)))

    def scaled(self, factor: Fraction) -> Term:
        """The term times a number."""
        return Term(self.coefficient * factor, self.factors, self.bound)

    def times(self, other: Term) -> Term:
        """The product, with the summed indices of both kept apart."""
        left, right = self.fresh(), other.fresh()
        return Term.make(left.coefficient * right.coefficient, left.factors + right.factors, left.bound + right.bound)

    def power(self, exponent: Fraction) -> Term:
        """The power of a term without sums; a non-integer power needs the coefficient 1."""
        if self.bound:
            raise DefinitionError("a power of a sum; bind the sum to a name first")
        coefficient = _rational_power(self.coefficient, exponent)
        return Term.make(coefficient, ((atom, old * exponent) for atom, old in self.factors))

    def without(self, removed: Iterable[Atom]) -> Term:
        """The term without these atoms; its sums stay as they are, also where nothing is left to sum."""
        gone = set(removed)
        return Term(self.coefficient, tuple(f for f in self.factors if f[0] not in gone), self.bound)


def _rational_power(number: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator == 1:
        return Fraction(number ** int(exponent))
    if number == 1:
        return number
    raise DefinitionError(f"cannot raise {number} to {exponent} exactly; bind the base to a name first")


def _canonical_names(term: Term) -> dict[Index, str]:
    """Names for all indices: free ones keep theirs, summed ones are numbered so that the rendering is least."""
    names = {index: index.name for index in term.indices}
    if not term.bound:
        return names
    colours = {index: f"?{index.axis.name}" for index in term.bound}
    for _ in range(2):  # two rounds tell apart all that our terms contain; ties fall to the permutations below
        colours = {index: _colour(term, index, {**names, **colours}) for index in term.bound}
    groups: dict[str, list[Index]] = {}
    for index in sorted(term.bound, key=lambda i: colours[i]):
        groups.setdefault(colours[index], []).append(index)
    candidates = []
    for arrangement in itertools.product(*(itertools.permutations(group) for group in groups.values())):
        numbered = dict(names)
        counts: dict[Axis, int] = {}
        for index in itertools.chain.from_iterable(arrangement):
            counts[index.axis] = counts.get(index.axis, 0) + 1
            numbered[index] = f"{index.axis.name}.{counts[index.axis]}"
        candidates.append((sorted(f"{show_atom(a, numbered.__getitem__)}^{e}" for a, e in term.factors), numbered))
    return min(candidates, key=lambda candidate: candidate[0])[1]


def _colour(term: Term, index: Index, names: Mapping[Index, str]) -> str:
    seen = {**names, index: "*"}
    shown = sorted(
        f"{show_atom(atom, seen.__getitem__)}^{exponent}"
        for atom, exponent in term.factors
        if index in atom_indices(atom)
    )
    return f"{index.axis.name}:{'|'.join(shown)}"


@dataclass(frozen=True)
class Expr:
    """A sum of terms in normal form: like terms merged, zero terms dropped, sorted by key."""

    terms: tuple[Term, ...] = field(default=())

    @staticmethod
    def of(terms: Iterable[Term]) -> Expr:
        """Merge like terms."""
        merged: dict[str, Term] = {}
        for term in terms:
            old = merged.get(term.body)
            merged[term.body] = term if old is None else replace(old, coefficient=old.coefficient + term.coefficient)
        return Expr(tuple(merged[body] for body in sorted(merged) if merged[body].coefficient))

    @staticmethod
    def number(value: Fraction | int) -> Expr:
        """A constant."""
        return Expr.of([Term(Fraction(value))])

    @staticmethod
    def atom(atom: Atom, exponent: Fraction | int = 1) -> Expr:
        """One atom."""
        return Expr.of([Term.make(Fraction(1), [(atom, Fraction(exponent))])])

    def __add__(self, other: Expr) -> Expr:
        return Expr.of(self.terms + other.terms)

    def __mul__(self, other: Expr) -> Expr:
        return Expr.of(left.times(right) for left in self.terms for right in other.terms)

    def scaled(self, factor: Fraction) -> Expr:
        """The expression times a number."""
        return Expr.of(term.scaled(factor) for term in self.terms)

    def rename(self, renaming: Renaming) -> Expr:
        """Replace free indices."""
        return Expr.of(term.rename(renaming) for term in self.terms)

    def sum_over(self, indices: Iterable[Index]) -> Expr:
        """The sum over free indices."""
        bound = tuple(indices)
        return Expr.of(Term.make(t.coefficient, t.factors, t.bound + bound) for t in self.terms)

    @property
    def position(self) -> Position | None:
        """The place of a maximum, where that is what the expression is."""
        alone = len(self.terms) == 1 and len(self.terms[0].factors) == 1
        atom = self.terms[0].factors[0][0] if alone else None
        return atom if isinstance(atom, Position) else None

    @property
    def free(self) -> tuple[Index, ...]:
        """The free indices of all terms."""
        return tuple(dict.fromkeys(index for term in self.terms for index in term.free))

    @property
    def tensors(self) -> frozenset[str]:
        """Names of all tensors that occur."""
        return frozenset(name for term in self.terms for name in term_tensors(term))

    @property
    def moving(self) -> frozenset[str]:
        """Names of the tensors that the value moves with: not those in indicators only, which are constant."""
        factors = (atom for term in self.terms for atom, _ in term.factors if not isinstance(atom, Indicator))
        return frozenset(name for atom in factors for name in atom_tensors(atom))

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)


def term_tensors(term: Term) -> Iterator[str]:
    """Names of the tensors in a term, those used as indices and inside functions included."""
    for atom, _ in term.factors:
        yield from atom_tensors(atom)


def atom_tensors(atom: Atom) -> Iterator[str]:
    """Names of the tensors in an atom."""
    match atom:
        case Ref(tensor, _):
            yield tensor
        case Prod(argument) | Position(argument):
            yield from term_tensors(argument)
        case _:
            for operand in operands(atom):
                yield from term_tensors(operand)
    yield from (slot.tensor for slot in atom_slots(atom) if isinstance(slot, Gather))


def atom_slots(atom: Atom) -> Iterator[Slot]:
    """The slots of an atom, those inside functions included."""
    match atom:
        case Ref(_, slots):
            yield from slots
        case Delta(left, right) | Order(left, right):
            yield from (left, right)
        case Prod(argument) | Position(argument):
            for inner, _ in argument.factors:
                yield from atom_slots(inner)
            yield from atom.without if isinstance(atom, Prod) else ()
        case _:
            for operand in operands(atom):
                for inner, _ in operand.factors:
                    yield from atom_slots(inner)


def nests(atoms: Iterable[Atom], renaming: Renaming) -> bool:
    """True where the renaming would put a computed index inside another, x[a[b[n]]], which has no form here."""
    computed = {old for old, new in renaming.items() if not isinstance(new, Index)}
    slots = (slot for atom in atoms for slot in atom_slots(atom))
    return any(not isinstance(slot, Index) and not computed.isdisjoint(slot_indices(slot)) for slot in slots)
