"""Forward, backward, JVP and HVP of a derivation as statements."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from gradlab.codegen.buffers import reuse
from gradlab.codegen.lower import Lowering
from gradlab.codegen.partial_sums import nested_sums
from gradlab.codegen.statements import Coefficient, Combine, Product, Reduce, Routine, Shift, Value
from gradlab.symbolic.components import components
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation, Result
from gradlab.symbolic.equations import number_of
from gradlab.symbolic.indices import Axis
from gradlab.symbolic.program import Binding, Program, Tensor
from gradlab.symbolic.program import Shift as ShiftOf
from gradlab.symbolic.show import entry, text
from gradlab.symbolic.tangents import TANGENT
from gradlab.symbolic.terms import Indicator, Ref


def forward(derivation: Derivation) -> Routine:
    """The bindings that the output and what is handed out need, in the author's order."""
    program = derivation.program
    needed = _needed(program, {program.output.name, *derivation.handed})
    inputs = [_value(given.tensor, given.domain.kind == "mask") for given in program.inputs]
    scope = _Scope(program, needed, {program.output.name, *derivation.handed})
    lowering = Lowering(program, [*inputs, *_parameters(program)], scope.reusable)
    for given in program.inputs:
        if given.domain.kind == "labels":
            below = next(axis for axis in program.axes if axis.name == given.domain.below)
            lowering.gathers.check(_value(given.tensor, boolean=False), below)
    shift = program.shift
    if shift is not None and shift.tensor.name not in {binding.name for binding in needed}:
        scope.shift(lowering, shift)
    for position, binding in enumerate(needed):
        scope.position = position
        lowering.note(
            _equation(derivation, binding.name, binding.tensor, text(binding.value, program, binding.tensor.indices))
        )
        lowering.define(binding.name, binding.tensor.indices, binding.value)
        zero = derivation.zero_sums.get(binding.name)
        if zero is not None and len(binding.value.terms) > 1:
            _recentre(lowering, lowering.values[binding.name], zero)
        if shift is not None and binding.name == shift.tensor.name:
            scope.shift(lowering, shift)
        if shift is not None and binding.name in shift.restored:
            _restore(lowering, lowering.values[binding.name])
    output = lowering.values[program.output.name]
    originals = {value.name: value for value in (scope.original,) if value is not None}
    saved = tuple(originals.get(name) or lowering.values[name] for name in derivation.handed)
    kept = [*program.tensors, *(value.name for value in saved)]  # named values keep their names
    return Routine(tuple(inputs), reuse(nested_sums(lowering.statements), kept), (output,), saved)


def backward(derivation: Derivation) -> Routine:
    """All gradients; those that are plain sums come first, because others share them."""
    program = derivation.program
    upstream = Value(GRAD_OUTPUT, program.output.indices)
    lowering, saved = _after(derivation, [upstream])
    _named(derivation, lowering, derivation.gradients.values())
    results: dict[str, Value] = {}
    for name, gradient in sorted(derivation.gradients.items(), key=lambda item: not _is_sum(item[1])):
        lowering.note(
            _equation(derivation, gradient.name, Tensor(gradient.name, gradient.free), _shown(gradient, program))
        )
        results[name] = lowering.define(gradient.name, gradient.free, gradient.value)
    ordered = tuple(results.get(given.tensor.name) for given in program.inputs)
    kept = [value.name for value in (upstream, *results.values(), *saved)]
    return Routine((upstream,), reuse(nested_sums(lowering.statements), kept), ordered, saved)


def jvp(derivation: Derivation) -> Routine:
    """The output's tangent from the inputs' tangents."""
    program, tangent = derivation.program, derivation.tangent
    tangents = [Value(TANGENT + given.tensor.name, given.tensor.indices) for given in program.wrt]
    lowering, saved = _after(derivation, tangents)
    _named(derivation, lowering, [tangent])
    lowering.note(_equation(derivation, tangent.name, Tensor(tangent.name, tangent.free), _shown(tangent, program)))
    result = lowering.define(tangent.name, tangent.free, tangent.value)
    kept = [value.name for value in (*tangents, result, *saved)]
    return Routine(tuple(tangents), reuse(nested_sums(lowering.statements), kept), (result,), saved)


def hvp(derivation: Derivation) -> Routine:
    """The tangents of all gradients from those of the inputs, at a grad_output that stands still."""
    program = derivation.program
    upstream = Value(GRAD_OUTPUT, program.output.indices)
    tangents = {given.tensor.name: Value(TANGENT + given.tensor.name, given.tensor.indices) for given in program.wrt}
    lowering, saved = _after(derivation, [upstream, *tangents.values()])
    _named(derivation, lowering, derivation.products.values())
    results: dict[str, Value] = {}
    for name, product in sorted(derivation.products.items(), key=lambda item: not _is_sum(item[1])):
        lowering.note(_equation(derivation, product.name, Tensor(product.name, product.free), _shown(product, program)))
        if product.value.terms:
            results[name] = lowering.define(product.name, product.free, product.value)
        else:
            results[name] = lowering.zeros(product.name, tangents[name])
    ordered = tuple(results.get(given.tensor.name) for given in program.inputs)
    kept = [value.name for value in (upstream, *tangents.values(), *results.values(), *saved)]
    return Routine((upstream, *tangents.values()), reuse(nested_sums(lowering.statements), kept), ordered, saved)


def _named(derivation: Derivation, lowering: Lowering, results: Iterable[Result]) -> None:
    """The adjoints and tangents that these results mention by name, and those that these mention in their turn."""
    every = [*derivation.adjoints.values(), *derivation.moved.values()]
    needed = frozenset().union(*(result.value.tensors for result in results))
    for result in reversed(every):
        if result.name in needed:
            needed |= result.value.tensors
    for result in every:
        if result.name in needed:
            tensor = Tensor(result.name, result.free)
            lowering.note(_equation(derivation, result.name, tensor, _shown(result, derivation.program)))
            lowering.define(result.name, result.free, result.value)


def _after(derivation: Derivation, arguments: list[Value]) -> tuple[Lowering, tuple[Value, ...]]:
    """A lowering that starts from what the forward handed out; nothing that is handed in may be overwritten."""
    program = derivation.program
    saved = tuple(_saved(program, name) for name in derivation.handed)
    return Lowering(program, [*arguments, *saved, *_parameters(program)], lambda value: False), saved


def _value(tensor: Tensor, boolean: bool) -> Value:
    return Value(tensor.name, tensor.indices, boolean)


def _parameters(program: Program) -> list[Value]:
    return [Value(name, (), constant=True) for name in program.parameters]


def _saved(program: Program, name: str) -> Value:
    tensor = program.tensors[name]
    boolean = any(b.name == name and _is_mask(b) for b in program.bindings)
    boolean |= any(given.tensor.name == name and given.domain.kind == "mask" for given in program.inputs)
    return Value(name, tensor.indices, boolean, constant(program, name))


def constant(program: Program, name: str) -> bool:
    """Whether a tensor is a number that follows from parameters alone."""
    tensors = {binding.name: binding.value.tensors for binding in program.bindings}
    known = name in program.parameters
    numeric = name in tensors and not program.tensors[name].indices
    return known or (numeric and all(constant(program, inner) for inner in tensors[name]))


def _is_mask(binding: Binding) -> bool:
    monomial = binding.monomial
    return monomial is not None and any(isinstance(atom, Indicator) for atom, _ in monomial.factors)


def _is_sum(result: Result) -> bool:
    if len(result.value.terms) != 1:
        return False
    outer, parts = components(result.value.terms[0])
    return len(parts) == 1 and not outer.factors and outer.coefficient == 1


def _shown(result: Result, program: Program) -> str:
    return text(result.display, program, result.free)


def _equation(derivation: Derivation, name: str, tensor: Tensor, right: str) -> str:
    return f"({number_of(derivation, name)}) {entry(tensor.name, tensor.indices)} = {right}"


def _needed(program: Program, wanted: set[str]) -> list[Binding]:
    """The bindings that lead to the wanted names."""
    found = set(wanted)
    for binding in reversed(program.bindings):
        if binding.name in found:
            found |= binding.value.tensors
    return [binding for binding in program.bindings if binding.name in found]


_LARGEST = "largest"


def _shift(lowering: Lowering, program: Program, shift: ShiftOf, *, reuse: bool) -> Value:
    """From here on the tensor means its shifted copy; the proof says that no result can tell. Gives the original."""
    original = lowering.values[shift.tensor.name]
    over = next(index for index in original.layout if index.axis == shift.axis)
    taken = set(program.tensors)
    name = next(n for n in ("z", "shifted", *(f"z{i}" for i in range(1, 99))) if n not in taken)
    shifted = Value(name, original.layout)
    where = None if shift.where is None else lowering.values[shift.where.tensor]
    largest = Value(_LARGEST, shift.kept) if shift.restored else None
    counted = f" where {where.name} holds" if where is not None else ""
    back = f"; {' and '.join(shift.restored)} gets it back" if shift.restored else ""
    lowering.note(
        f"exp cannot overflow: {name} is {original.name} less its maximum{counted}, and no result depends on the "
        f"shift{back}"
    )
    lowering.statements.append(Shift(shifted, original, over, where, largest, reuse))
    if largest is not None:
        lowering.values[_LARGEST] = largest
    lowering.values[original.name] = shifted
    return original


def _restore(lowering: Lowering, value: Value) -> None:
    """Add what the shift took off."""
    lowering.statements.append(Combine(value, "+", value, lowering.values[_LARGEST], reuse=bool(value.layout)))


def _recentre(lowering: Lowering, value: Value, over: tuple[Axis, ...]) -> None:
    """A sum that the derivation knows to be 0 measures the rounding of the mean: three digits for one pass."""
    bound = tuple(index for index in value.layout if index.axis in over)
    free = tuple(index for index in value.layout if index.axis not in over)
    drift = Value(f"drift_{value.name}", free)
    mean = Coefficient(Fraction(1), tuple((axis, Fraction(-1)) for axis in over))
    lowering.note(f"the exact sum of {value.name} is 0; what it comes to is the rounding of its mean, taken out here")
    lowering.statements.append(Reduce(drift, (value,), bound))
    lowering.statements.append(Combine(value, "-", value, Product((drift,), coefficient=mean), reuse=True))


class _Scope:
    """Which buffers of the forward may be overwritten: its own, after their last use, unless they are handed out."""

    def __init__(self, program: Program, bindings: list[Binding], kept: Iterable[str]) -> None:
        self.program, self.bindings, self.kept = program, bindings, set(kept)
        self.position = 0
        self.original: Value | None = None
        self.shifted: Value | None = None
        self.last = {name: i for i, binding in enumerate(bindings) for name in binding.value.tensors}

    def shift(self, lowering: Lowering, shift: ShiftOf) -> None:
        """Shift a tensor: in place, unless it is an input or handed out."""
        name = shift.tensor.name
        reuse = name not in self.kept and name in {binding.name for binding in self.bindings}
        self.original = _shift(lowering, self.program, shift, reuse=reuse)
        self.shifted = lowering.values[name]

    def reusable(self, value: Value) -> bool:
        own = {binding.name for binding in self.bindings[: self.position]}
        shifted = self.shifted is not None and value.name == self.shifted.name
        name = self.original.name if self.original is not None and shifted else value.name
        if not shifted and (name not in own or name in self.kept):
            return False
        current = self.bindings[self.position].value
        uses = sum(_mentions(atom, name) for term in current for atom, _ in term.factors)
        return self.last.get(name) == self.position and uses == 1 and bool(value.layout) and not value.boolean


def _mentions(atom: object, name: str) -> int:
    if isinstance(atom, Ref):
        return int(atom.tensor == name)
    argument = getattr(atom, "argument", None)
    return sum(_mentions(inner, name) for inner, _ in argument.factors) if argument is not None else 0
