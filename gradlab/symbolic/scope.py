"""What a definition has named so far: axes, indices, tensors, parameters. Every error of reading is raised here."""

from __future__ import annotations

import keyword
from typing import NoReturn

import sympy as sp

from gradlab.errors import DefinitionError
from gradlab.symbolic.definition import Definition
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.program import Binding, Tensor
from gradlab.symbolic.terms import Ref

RESERVED = ("grad_output", "math", "np", "special", "torch")
RESERVED_PREFIXES = ("grad_", "tangent_", "jacobian_")


class Scope:
    """Names and axes of one definition; `where` is the place that errors name."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.where = "the declaration"
        self.axes: dict[sp.Symbol, Axis] = {}
        self.letters: dict[Axis, list[str]] = {}
        self.shapes: dict[str, tuple[Index, ...]] = {}
        self.bindings: list[Binding] = []
        self.automatic: dict[str, Ref] = {}
        self.labels: dict[str, str] = {}
        self.places: dict[str, tuple[Axis, ...]] = {}
        self.scope: dict[str, Index] = {}
        self.parameters = {parameter.name for parameter in definition.parameters}
        self.integers = {parameter.name: parameter for parameter in definition.parameters if parameter.integer}
        # Names that automatic ones must not take, also those of bindings that come later.
        self.taken = self.parameters | {str(getattr(item.entry, "base", item.entry)) for item in definition.lets}

    def fail(self, problem: str, remedy: str) -> NoReturn:
        """Raise the error that names the file, the place, the problem and the remedy."""
        raise DefinitionError(f"{self.definition.source}: {self.definition.name}: {self.where}: {problem}; {remedy}")

    def check_name(self, name: str, *, parameter: bool = False) -> None:
        """A name becomes a variable of the generated code, beside others that the engine names itself."""
        if not name.isidentifier() or keyword.iskeyword(name):
            self.fail(f"{name!r} cannot be a variable", "use letters, digits and underscores")
        if name in RESERVED or name.startswith(RESERVED_PREFIXES):
            self.fail(f"the name {name} is reserved", "rename it")
        if name in self.shapes:
            self.fail(f"the name {name} is bound twice", "give each input and each binding a name of its own")
        if not parameter and name in self.parameters:
            self.fail(f"the name {name} is that of a parameter", "rename one of the two")

    def check_known(self, name: str, expression: sp.Expr) -> None:
        """Refuse a name that is not bound yet."""
        if name in self.shapes:
            return
        if name in self.parameters:
            self.fail(f"the parameter {name} has no indices, as in {expression}", f"write it as {name}")
        if name in self.taken:
            self.fail(f"{name} in {expression} is bound later, or by itself", "bind it before it is used")
        known = ", ".join((*sorted(self.shapes), *sorted(self.parameters)))
        self.fail(f"unknown name {name} in {expression}", f"known here: {known}; bind it, or declare it as an input")

    def tensor(self, entry: sp.Expr) -> Tensor:
        """A left side: a name with one index for each axis."""
        if isinstance(entry, sp.Symbol):
            return Tensor(entry.name, ())
        if not isinstance(entry, sp.Indexed):
            self.fail(f"{entry} is not an entry of a tensor", "write it as x[n, d], or as a bare symbol for a scalar")
        indices = tuple(self.index(index) for index in entry.indices)
        if len(set(indices)) != len(indices):
            self.fail(f"{entry} repeats an index", "use one index per axis of the tensor")
        if any(index.axis.ellipsis for index in indices[1:]):
            self.fail(f"the leading axis is not the first of {entry}", "write it first: x[n, d]")
        return Tensor(str(entry.base), indices)

    def index(self, index: sp.Expr) -> Index:
        """An index; its axis is known by the symbol of its size."""
        if not isinstance(index, sp.Idx) or index.lower is None:
            self.fail(f"{index} is not an index with an axis", 'make it one: Idx("n", N)')
        size = index.upper + 1
        if not isinstance(size, sp.Symbol) or index.lower != 0:
            self.fail(
                f"index {index} runs from {index.lower} to {index.upper}", 'an axis has a size symbol: Idx("n", N)'
            )
        parameter = size.name in self.integers
        name = size.name if parameter else size.name.lower()
        axis = self.axes.setdefault(size, Axis(name, ellipsis=size == self.definition.leading, parameter=parameter))
        if sum(own == axis for own in self.axes.values()) > 1:
            self.fail(f"two sizes differ only in case or assumptions: {size}", "give each axis a symbol of its own")
        name = str(index.label)
        known = self.scope.setdefault(name, Index(name, axis))
        if known.axis != axis:
            self.fail(
                f"index {name} runs over {known.axis.name} and over {axis.name}", "use a different index for each axis"
            )
        if name not in self.letters.setdefault(axis, []):
            self.letters[axis].append(name)
        return known
