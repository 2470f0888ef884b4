"""Lowering of lookups: entries at labels, places of maxima or on a diagonal; and additions, their adjoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from gradlab.codegen.computed import first_parts, whole
from gradlab.codegen.statements import Check, Find, Largest, Pick, ScatterSum, Value, slots_layout
from gradlab.errors import DefinitionError
from gradlab.symbolic.indices import Affine, Axis, Gather, Index, Slot
from gradlab.symbolic.terms import Atom, Delta, Expr, Position, Ref, Term, atom_indices, atom_slots, nests

if TYPE_CHECKING:
    from gradlab.codegen.lower import Lowering

Placing = Mapping[Index, Gather | Index]


class Gathers:
    """Emits the statements of one routine that look something up, into the lowering that it belongs to."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering

    def check(self, labels: Value, axis: Axis) -> None:
        """Labels that are no positions are refused once, where the forward begins."""
        self.lowering.statements.append(Check(labels, axis))

    def find(self, target: Value, position: Position) -> Value:
        """The place of a maximum. That of -x is found as the place of the minimum of x."""
        argument = position.argument
        ((entry, exponent), *others) = argument.factors
        if any(isinstance(slot, Affine) for slot in atom_slots(position)):
            if others or exponent != 1 or argument.coefficient != 1 or not isinstance(entry, Ref):
                self._fail("only entries of one tensor are searched in windows; bind what is searched to a name first")
            return self._windows(target, entry, set(argument.bound))
        plain = [exponent for _, exponent in argument.factors] == [1]
        if plain and argument.coefficient in (1, -1):
            operand = self.lowering.monomial(Term(Fraction(1), argument.factors))
        else:
            operand = self.lowering.monomial(Term(argument.coefficient, argument.factors))
        over = tuple(s for s in atom_slots(position) if isinstance(s, Index) and s in argument.bound)
        least = plain and argument.coefficient == -1
        kept = tuple(index for index in operand.layout if index not in over)
        if set(kept) != set(target.layout):
            self._fail(f"{target.name} has other axes than what is searched; bind that to a name first")
        self.lowering.statements.append(Find(target, operand, over, least))
        return target

    def _windows(self, target: Value, entry: Ref, searched: set[Index]) -> Value:
        """The place of a maximum in windows, and the maximum, which the search has in hand."""
        affine = [slot for slot in entry.slots if isinstance(slot, Affine)]
        inside = {index for slot in affine for _, index in slot.parts[1:]}
        if inside != searched or set(first_parts(entry.slots)) != set(target.layout):
            self._fail(f"{target.name} is not searched within windows alone")
        array = whole(self.lowering.values[entry.tensor], entry.slots)
        maxima = Value(self.lowering.name(f"largest_{entry.tensor}"), first_parts(entry.slots))
        place = Value(target.name, first_parts(entry.slots))
        self.lowering.statements.append(Largest(maxima, place, array, entry.slots))
        return place

    def _known(self, array: Value, slots: tuple[Slot, ...], name: str | None) -> Value | None:
        """Entries at places that a search in windows has just found: it has the maxima too, under this name."""
        statements = self.lowering.statements
        for number, statement in enumerate(statements):
            if not isinstance(statement, Largest) or statement.array.name != array.name:
                continue
            place = statement.place
            pairs = zip(statement.slots, slots, strict=True)
            if all(
                isinstance(found, Gather) and (found.tensor, found.slots) == (place.name, place.layout)
                if isinstance(wanted, Affine)
                else found == wanted
                for wanted, found in pairs
            ):
                target = replace(statement.target, name=name or statement.target.name)
                statements[number] = replace(statement, target=target)
                return target
        return None

    def pick(self, array: Value, slots: tuple[Slot, ...], name: str | None) -> Value:
        """Entries at gathers, or on a diagonal."""
        lowering = self.lowering
        key = f"pick:{array.name}:{slots}"
        if key not in lowering.shared:
            known = self._known(array, slots, name)
            if known is not None:
                lowering.shared[key] = known
                return known
            at = next((f"at_{slot.tensor}" for slot in slots if isinstance(slot, Gather)), "diagonal")
            target = Value(name or lowering.name(f"{array.name}_{at}"), slots_layout(slots), array.boolean)
            lowering.statements.append(Pick(target, array, slots))
            lowering.shared[key] = target
        return lowering.shared[key]

    def placed(self, term: Term, free: tuple[Index, ...]) -> tuple[Term, tuple[Slot, ...]]:
        """The term without the deltas outside its sums, and the slots of the output where alone it is not 0."""
        placing = self.placing(term, free)
        term = term.without(_outside(term))
        return (self._at(term, placing), tuple(placing.get(index, index) for index in free)) if placing else (term, ())

    def placing(self, term: Term, free: tuple[Index, ...]) -> Placing:
        """Where the deltas outside the sums of a term put it: which index of the output is set to what."""
        deltas = [delta for delta in _outside(term) if delta.left != delta.right]  # delta[n,n], where m became n, is 1
        diagonal = [delta for delta in deltas if isinstance(delta.left, Index) and isinstance(delta.right, Index)]
        looked_up = self._placing([delta for delta in deltas if delta not in diagonal], free)
        return {**looked_up, **_diagonal(diagonal, free)}

    def accumulate(self, part: Term, free: tuple[Index, ...], name: str | None) -> Value:
        """A sum over labels: what has the same label adds up in one entry."""
        lowering = self.lowering
        deltas = [atom for atom, _ in part.factors if isinstance(atom, Delta)]
        layout = tuple(index for index in free if index in part.free)
        inner = next((delta for delta in deltas if _summed(delta, part)), None)
        if inner is not None:
            rest = self._inside_out(part, inner)
            if rest.bound:
                return lowering.sums.sum(rest, free, name)
            return lowering.compute(Value(name or lowering.name("rows_at"), layout), Expr.of([rest]))
        placing = self._placing(deltas, layout)
        slots = tuple(placing.get(index, index) for index in layout)
        over = slots_layout(slots)
        # A sum over what only the label depends on is none any more: each entry is added at its own place.
        inside = Term(
            part.coefficient, part.without(deltas).factors, tuple(index for index in part.bound if index not in over)
        )
        inside = self._at(inside, placing)
        product = lowering.piece(inside, over).product
        at = "_".join(dict.fromkeys(gather.tensor for gather in placing.values()))
        target = Value(name or lowering.name(f"sum_at_{at}"), layout)
        lowering.statements.append(ScatterSum(target, slots, product))
        return target

    def _inside_out(self, part: Term, delta: Delta) -> Term:
        """A delta that sets a summed index: what belongs to that index is computed first, under a name.

        Sum_r Sum_n a[n] delta[label[n],r] b[r] adds up over n first; Sum_r delta[label[n],r] b[r] looks up b.
        """
        gather, index = (delta.left, delta.right) if isinstance(delta.left, Gather) else (delta.right, delta.left)
        if not isinstance(gather, Gather) or not isinstance(index, Index):
            self._fail("no code for a delta between two free indices")
        over = [own for own in gather.slots if own in part.bound] or [index]
        inside = [factor for factor in part.factors if any(own in over for own in atom_indices(factor[0]))]
        if index in over:
            inside.remove((delta, Fraction(1)))
            term = Term(Fraction(1), tuple(inside))
            value = self.lowering.compute(Value(self.lowering.name("rows"), term.free), Expr.of([term]))
            inside.append((delta, Fraction(1)))
        else:
            term = Term(Fraction(1), tuple(inside), tuple(over))
            value = self.accumulate(term, term.free, None)
        self.lowering.values[value.name] = value
        slots = tuple(gather if own == index and index in over else own for own in value.layout)
        rest = [factor for factor in part.factors if factor not in inside]
        bound = tuple(own for own in part.bound if own not in over)
        return Term(part.coefficient, (*rest, (Ref(value.name, slots), Fraction(1))), bound)

    def _placing(self, deltas: list[Delta], free: tuple[Index, ...]) -> dict[Index, Gather]:
        """Which index of the output each delta sets to what is looked up."""
        placing: dict[Index, Gather] = {}
        for delta in deltas:
            gather, index = (delta.left, delta.right) if isinstance(delta.left, Gather) else (delta.right, delta.left)
            if not isinstance(gather, Gather) or not isinstance(index, Index):
                self._fail("no code for a delta between two free indices")
            if index not in free or index in placing:
                self._fail("no code for a delta inside a sum, which a lookup left there")
            placing[index] = gather
        return placing

    def _at(self, term: Term, placing: Placing) -> Term:
        """What stands beside a delta is needed at its place only."""
        if nests((atom for atom, _ in term.factors), placing):
            self._fail("no code for a lookup at a place that is looked up")
        return term.rename(placing)

    def _fail(self, problem: str) -> NoReturn:
        raise DefinitionError(f"{self.lowering.program.name}: {problem}")


def gathered(atom: Atom) -> bool:
    """Whether an atom is an entry at a label or at the place of a maximum, or on a diagonal."""
    if not isinstance(atom, Ref):
        return False
    return any(isinstance(slot, Gather) for slot in atom.slots) or len({*atom.slots}) < len(atom.slots)


def _diagonal(deltas: list[Delta], free: tuple[Index, ...]) -> dict[Index, Index]:
    """Under delta[n,m], the index that comes later in the output is the earlier one."""
    pairs = ([index for index in free if index in (delta.left, delta.right)] for delta in deltas)
    return {later: earlier for earlier, later in pairs}


def placed(atom: Atom) -> bool:
    """Whether an atom sets an index to what is looked up."""
    return isinstance(atom, Delta) and (isinstance(atom.left, Gather) or isinstance(atom.right, Gather))


def _summed(delta: Delta, term: Term) -> bool:
    """Whether a sum runs over the index that the delta compares with what is looked up."""
    return any(isinstance(slot, Index) and slot in term.bound for slot in (delta.left, delta.right))


def _outside(term: Term) -> list[Delta]:
    """The deltas that no sum of the term runs over."""
    deltas = [atom for atom, _ in term.factors if isinstance(atom, Delta)]
    return [delta for delta in deltas if not any(index in term.bound for index in atom_indices(delta))]
