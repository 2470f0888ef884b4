"""Results as a Python program that builds them in SymPy: `gradlab derive OP --to sympy`."""

from __future__ import annotations

from collections.abc import Iterable

from gradlab.symbolic.derive import Derivation, Result
from gradlab.symbolic.equations import number_of
from gradlab.symbolic.export import Declarations, to_sympy
from gradlab.symbolic.program import Binding
from gradlab.symbolic.show import entry


def sympy_code(derivation: Derivation) -> str:
    """A program that defines the sizes, indices and tensors, the definition and all results.

    The definition is a dictionary from entry to value; the results are `grad_x`, `tangent_y`, `jacobian_x`, `hvp_x`, ….
    """
    program = derivation.program
    moved = [result for result in derivation.moved.values() if result != derivation.tangent]
    results = [*derivation.gradients.values(), derivation.tangent, *derivation.jacobians.values()]
    results += [*moved, *derivation.products.values()]
    bindings = program.bindings
    everything: list[Binding | Result] = [*bindings, *results]
    declared = Declarations([to_sympy(item, program) for item in everything])
    lines = [f'"""{program.name}: {program.definition.summary}"""', "", *declared.lines(left_sides(bindings)), ""]
    lines.append("definition = {")
    lines += [
        f"    {python_entry(binding)}: {to_sympy(binding, program)},  # ({number_of(derivation, binding.name)})"
        for binding in bindings
    ]
    lines += ["}", ""]
    for result in results:
        number = number_of(derivation, result.name)
        lines += [f"# ({number}) {entry(result.name, result.free)}", f"{result.name} = {to_sympy(result, program)}"]
    return "\n".join(lines) + "\n"


def left_sides(bindings: Iterable[Binding]) -> list[tuple[str, bool]]:
    """The names that are bound, and whether each has indices."""
    return [(binding.name, bool(binding.tensor.indices)) for binding in bindings]


def python_entry(binding: Binding) -> str:
    """`e[n, d]`, as SymPy prints it."""
    indices = ", ".join(index.name for index in binding.tensor.indices)
    return f"{binding.name}[{indices}]" if indices else binding.name
