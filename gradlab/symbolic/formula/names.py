"""What the names in a formula stand for: inputs, bindings, labels, indices, sizes, scalars; and which axes are one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from gradlab.symbolic.formula import errors
from gradlab.symbolic.formula.nodes import (
    Call,
    Entry,
    Formula,
    Name,
    Node,
    Place,
    Reduce,
    Statement,
    children,
)

CONSTANTS = ("pi",)

# A tensor's axis, or an index.
_Member = tuple[str, int] | str


@dataclass
class Names:
    """Every name of a formula. `axis_of` gives the size letter of an index, or of an axis (tensor, position)."""

    formula: Formula
    inputs: dict[str, int] = field(default_factory=dict)
    """Tensors that are not bound, with their rank, in order of appearance."""
    bound: dict[str, tuple[str, ...]] = field(default_factory=dict)
    labels: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Integer tensors that index others, with an axis that they point into."""
    indices: dict[str, Place] = field(default_factory=dict)
    scalars: dict[str, Place] = field(default_factory=dict)
    sizes: dict[str, str] = field(default_factory=dict)
    """Sizes that the formula mentions, N, with the index n that has them."""
    axes: dict[_Member, str] = field(default_factory=dict)

    def axis_of(self, member: _Member) -> str:
        """The size letter of an axis."""
        return self.axes[member]


def resolve(formula: Formula) -> Names:
    """Find out what every name is; raises FormulaError that points at the first that does not fit."""
    return _Resolver(formula).names


class _Resolver:
    def __init__(self, formula: Formula) -> None:
        self.names = Names(formula)
        self.roots: dict[_Member, _Member] = {}
        self.computed: set[str] = set()
        for statement in formula.statements:
            for index in statement.indices:
                self.names.indices.setdefault(index, statement.place)
            self.find_indices(statement.value)
        self.find_sizes()
        for statement in formula.statements:
            self.statement(statement)
        self.check_sizes()
        self.names.axes = self.axes()

    def fail(self, place: Place, problem: str, remedy: str) -> NoReturn:
        errors.fail(self.names.formula.text, place, problem, remedy)

    # Indices -----------------------------------------------------------------------------------------------------

    def find_indices(self, node: Node) -> None:
        if isinstance(node, Entry):
            for slot in node.slots:
                self.index_names(slot)
        elif isinstance(node, Reduce):
            for index in node.indices:
                self.names.indices.setdefault(index, node.place)
        elif isinstance(node, Call) and node.function == "delta":
            for slot in node.arguments:
                self.index_names(slot)
            return
        for child in children(node):
            self.find_indices(child)

    def index_names(self, slot: Node) -> None:
        """A slot that is one bare name is an index; within a sum of several, the names may be sizes too."""
        if isinstance(slot, Name):
            self.names.indices.setdefault(slot.name, slot.place)

    def find_sizes(self) -> None:
        for index in list(self.names.indices):
            self.names.sizes.setdefault(index.upper(), index)

    # Statements --------------------------------------------------------------------------------------------------

    def statement(self, statement: Statement) -> None:
        name = statement.name
        if name in self.names.bound or name in self.names.inputs or name in self.names.scalars:
            self.fail(statement.place, f"{name} is used before it is bound here", "give each value a name of its own")
        if name in self.names.indices:
            self.fail(statement.place, f"{name} is an index too", "rename one of the two")
        if name in CONSTANTS:
            self.fail(statement.place, f"{name} is a constant", "give the value another name")
        self.visit(statement.value, set(statement.indices), set(statement.indices))
        for position, index in enumerate(statement.indices):
            self.join(index, (name, position))
        self.names.bound[name] = statement.indices

    def visit(self, node: Node, known: set[str], outer: set[str]) -> None:
        match node:
            case Name():
                self.bare(node)
            case Entry():
                self.entry(node, known)
            case Reduce():
                again = next((index for index in node.indices if index in known), None)
                if again is not None:
                    self.fail(node.place, f"{node.kind} runs over {again}, which is taken", "use another index here")
                self.visit(node.inside, known | set(node.indices), outer)
            case Call(function="delta"):
                self.delta(node, known)
            case _:
                for child in children(node):
                    self.visit(child, known, outer)

    def bare(self, node: Name) -> None:
        name = node.name
        if name in self.names.indices:
            self.fail(node.place, f"the index {name} is used as a number", f"its size is {name.upper()}")
        if name in self.names.bound:
            rank = len(self.names.bound[name])
            if rank:
                self.fail(node.place, f"{name} stands without indices", f"it has {rank}")
        elif name in self.names.inputs:
            self.fail(node.place, f"{name} stands without indices", f"it has {self.names.inputs[name]} elsewhere")
        elif name not in CONSTANTS and name not in self.names.sizes:
            self.names.scalars.setdefault(name, node.place)

    def entry(self, node: Entry, known: set[str]) -> None:
        name, rank = node.name, len(node.slots)
        if name in self.names.indices or name in self.names.scalars or name in CONSTANTS:
            self.fail(node.place, f"{name} has indices here and none elsewhere", "rename one of the two")
        expected = len(self.names.bound[name]) if name in self.names.bound else self.names.inputs.setdefault(name, rank)
        if expected != rank:
            self.fail(node.place, f"{name} has {rank} indices here and {expected} elsewhere", "add or drop one")
        for position, slot in enumerate(node.slots):
            self.slot(slot, (name, position), known)

    def slot(self, slot: Node, axis: tuple[str, int], known: set[str]) -> None:
        self.roots.setdefault(axis, axis)
        match slot:
            case Name():
                self.known(slot, known)
                self.join(slot.name, axis)
            case Entry():
                self.lookup(slot, axis, known)
            case _:
                self.affine(slot, known)

    def lookup(self, slot: Entry, axis: tuple[str, int], known: set[str]) -> None:
        if slot.name in self.names.bound:
            self.fail(slot.place, f"{slot.name} is computed and used as an index", "only inputs can hold labels")
        if self.names.labels.setdefault(slot.name, axis) != axis:
            self.join(axis, self.names.labels[slot.name])
        nested = next((inner for inner in slot.slots if not isinstance(inner, Name)), None)
        if nested is not None:
            self.fail(nested.place, "a label is looked up by more than plain indices", "write label[n]")
        self.entry(slot, known)

    def affine(self, slot: Node, known: set[str]) -> None:
        """2*o + a - p: indices are known, other names are integer parameters."""
        match slot:
            case Entry() | Reduce() | Call():
                self.fail(slot.place, "an index is a sum of indices times whole numbers", "such as 2*o + a - 1")
            case Name():
                if slot.name in self.names.indices:
                    self.known(slot, known)
                    self.computed.add(slot.name)
                elif slot.name not in self.names.sizes:
                    self.fail(slot.place, f"{slot.name} is no index", "put numbers: 2*o + a - 1")
            case _:
                for child in children(slot):
                    self.affine(child, known)

    def known(self, node: Name, known: set[str]) -> None:
        if node.name not in known:
            remedy = f"put {node.name} on the left side, or sum over it: sum[{node.name}](...)"
            self.fail(node.place, f"the index {node.name} is free on the right side only", remedy)

    def delta(self, node: Call, known: set[str]) -> None:
        if len(node.arguments) != 2 or not all(isinstance(argument, Name) for argument in node.arguments):
            self.fail(node.place, "delta takes two indices", "write delta(i, j)")
        left, right = (argument for argument in node.arguments if isinstance(argument, Name))
        for argument in (left, right):
            self.known(argument, known)
        self.join(left.name, right.name)

    def check_sizes(self) -> None:
        """Every index runs over an axis of some input, or as far as an index that is computed from it stays inside."""
        axes = [(name, axis) for name, rank in self.names.inputs.items() for axis in range(rank)]
        known = {self.root(member) for member in axes} | {self.root(index) for index in self.computed}
        for index, place in self.names.indices.items():
            if self.root(index) not in known:
                self.fail(place, f"no input has an axis for the index {index}", f"use it in an entry: x[{index}]")

    # Axes --------------------------------------------------------------------------------------------------------

    def join(self, left: _Member, right: _Member) -> None:
        self.roots[self.root(left)] = self.root(right)

    def root(self, member: _Member) -> _Member:
        while self.roots.setdefault(member, member) != member:
            member = self.roots[member]
        return member

    def axes(self) -> dict[_Member, str]:
        """One letter for each group of axes that are one: that of its first index, or a new one."""
        letters: dict[_Member, str] = {}
        taken = {*self.names.bound, *self.names.inputs, *self.names.scalars}
        for index, place in self.names.indices.items():
            if self.root(index) in letters:
                continue
            used = {*taken, *letters.values()}
            letter = next((name for name in (index.upper(), f"N{index}", f"SIZE_{index}") if name not in used), None)
            if letter is None:
                self.fail(place, f"no name is left for the size of the index {index}", "rename the index")
            letters[self.root(index)] = letter
        for member in self.roots:
            if self.root(member) not in letters:
                letters[self.root(member)] = next(
                    letter for letter in "HWVUTSRQPONMLKJIGFEDCBA" if letter not in {*taken, *letters.values()}
                )
        return {member: letters[self.root(member)] for member in self.roots}
