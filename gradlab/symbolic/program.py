"""A definition after reading: inputs, bindings as index expressions, facts. Pure data for the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from gradlab.operation import Domain
from gradlab.symbolic.definition import Definition
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.terms import Expr, Ref, Term
from gradlab.symbolic.windows import Windows


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named tensor with the indices that its entry is written with."""

    name: str
    indices: tuple[Index, ...]

    @property
    def ref(self) -> Ref:
        """The entry itself, `x[n, d]`."""
        return Ref(self.name, self.indices)


@dataclass(frozen=True, slots=True)
class Given:
    """An input of the program."""

    tensor: Tensor
    domain: Domain
    differentiable: bool


@dataclass(frozen=True, slots=True)
class Binding:
    """`tensor = value`; `automatic` marks a name that the engine gave."""

    tensor: Tensor
    value: Expr
    automatic: bool = False

    @property
    def name(self) -> str:
        """The name that is bound."""
        return self.tensor.name

    @property
    def monomial(self) -> Term | None:
        """The value where it is one term without sums, else None."""
        if len(self.value.terms) == 1 and not self.value.terms[0].bound:
            return self.value.terms[0]
        return None


@dataclass(frozen=True, slots=True)
class SumFact:
    """A declared fact: `left`, a sum, equals `right`."""

    left: Term
    right: Expr


@dataclass(frozen=True, slots=True)
class Shift:
    """The forward subtracts the maximum over `axis` from a tensor, of the entries where the mask `where` is 1.

    What is computed from entries where it is 0 does not count; `restored` names bindings that get the maximum back.
    """

    tensor: Tensor
    axis: Axis
    where: Ref | None = None
    restored: tuple[str, ...] = ()

    @property
    def kept(self) -> tuple[Index, ...]:
        """The indices that the subtracted numbers have."""
        return tuple(index for index in self.tensor.indices if index.axis != self.axis)


@dataclass(frozen=True)
class Program:
    """A definition in let form. `axes` lists every axis in order of appearance."""

    definition: Definition
    axes: tuple[Axis, ...]
    inputs: tuple[Given, ...]
    bindings: tuple[Binding, ...]
    output: Tensor
    facts: tuple[SumFact, ...]
    shift: Shift | None
    digest: str
    letters: dict[Axis, tuple[str, ...]]
    """The index names that the author used on each axis, for display."""
    windows: dict[Axis, Windows] = field(default_factory=dict)
    """The axes whose size follows from a computed index, in the order in which the sizes can be found."""
    tracked: tuple[str, ...] = ()
    """Bindings that the forward hands out though no derivative needs them."""

    @property
    def name(self) -> str:
        """The operation's name."""
        return self.definition.name

    @property
    def wrt(self) -> tuple[Given, ...]:
        """The inputs that have a gradient."""
        return tuple(given for given in self.inputs if given.differentiable)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Names of the scalar parameters."""
        return tuple(parameter.name for parameter in self.definition.parameters)

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Every input and binding by name."""
        every = [given.tensor for given in self.inputs] + [binding.tensor for binding in self.bindings]
        return {tensor.name: tensor for tensor in every}

    @cached_property
    def constants(self) -> frozenset[str]:
        """Names of the bindings that follow from parameters and sizes alone: numbers, not tensors."""
        found = set(self.parameters)
        for binding in self.bindings:
            if not binding.tensor.indices and binding.value.tensors <= found:
                found.add(binding.name)
        return frozenset(found - set(self.parameters))

    @cached_property
    def varying(self) -> frozenset[str]:
        """Names of the tensors that depend on a differentiable input."""
        found = {given.tensor.name for given in self.wrt}
        for binding in self.bindings:
            # The place of a maximum is a whole number: it jumps, and is constant everywhere else. So are indicators.
            if binding.value.moving & found and binding.value.position is None:
                found.add(binding.name)
        return frozenset(found)

    def leading_to(self, names: Iterable[str]) -> frozenset[str]:
        """These names and those of all that they are computed from."""
        found = set(names)
        for binding in reversed(self.bindings):
            if binding.name in found:
                found |= binding.value.tensors
        return frozenset(found)

    @cached_property
    def integers(self) -> tuple[str, ...]:
        """Names of the integer parameters."""
        return tuple(parameter.name for parameter in self.definition.parameters if parameter.integer)

    def uses(self, name: str) -> Iterator[Binding]:
        """The bindings that mention a tensor."""
        return (binding for binding in self.bindings if name in binding.value.tensors)
