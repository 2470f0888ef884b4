"""Results as a Python program that builds them in SymPy: `gradlab derive OP --to sympy`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gradlab.symbolic.derive import Derivation, Result
from gradlab.symbolic.equations import number_of
from gradlab.symbolic.export import Declarations, to_sympy
from gradlab.symbolic.indices import Index
from gradlab.symbolic.program import Binding
from gradlab.symbolic.show import entry


def sympy_code(derivation: Derivation) -> str:
    """A program that defines the sizes, indices and tensors, the definition and all results.

    The definition is a dictionary from entry to value, and so is `named`: the gradients and tangents of bindings that
    results mention. The results are `grad_x`, `jacobian_x`, `hvp_x`, …, and last the tangent of the output: `hvp_x`
    may mention its entries, so that until then its name stands for an IndexedBase.
    """
    program = derivation.program
    moved = (result for result in derivation.moved.values() if result != derivation.tangent)
    named = [*derivation.adjoints.values(), *moved]
    results = [*derivation.gradients.values(), *derivation.jacobians.values(), *derivation.products.values()]
    results.append(derivation.tangent)
    bindings = program.bindings
    everything: list[Binding | Result] = [*bindings, *named, *results]
    declared = Declarations([to_sympy(item, program) for item in everything])
    bound = [*left_sides(bindings), *((result.name, bool(result.free)) for result in named)]
    lines = [f'"""{program.name}: {program.definition.summary}"""', "", *declared.lines(bound), ""]
    lines += dictionary("definition", bindings, derivation)
    if named:
        lines += dictionary("named", named, derivation)
    for result in results:
        number = number_of(derivation, result.name)
        lines += [f"# ({number}) {entry(result.name, result.free)}", f"{result.name} = {to_sympy(result, program)}"]
    return "\n".join(lines) + "\n"


def left_sides(bindings: Iterable[Binding]) -> list[tuple[str, bool]]:
    """The names that are bound, and whether each has indices."""
    return [(binding.name, bool(binding.tensor.indices)) for binding in bindings]


def dictionary(name: str, items: Iterable[Binding | Result], derivation: Derivation) -> list[str]:
    """The lines of a dictionary from entries to their values, each with the number of its equation."""
    lines = [f"{name} = {{"]
    for item in items:
        free = item.tensor.indices if isinstance(item, Binding) else item.free
        value, number = to_sympy(item, derivation.program), number_of(derivation, item.name)
        lines.append(f"    {python_entry(item.name, free)}: {value},  # ({number})")
    return [*lines, "}", ""]


def python_entry(name: str, indices: Sequence[Index]) -> str:
    """`e[n, d]`, as SymPy prints it."""
    return f"{name}[{', '.join(index.name for index in indices)}]" if indices else name
