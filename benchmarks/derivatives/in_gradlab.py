"""gradlab's answers: the formula is derived and proved, and its NumPy code runs."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import sympy as sp

from benchmarks.derivatives.answer import Answer, Run
from benchmarks.derivatives.problems import Array, Data, Problem
from gradlab.codegen import numpy_source
from gradlab.symbolic.derive import derive
from gradlab.symbolic.export import to_sympy
from gradlab.symbolic.formula import formula
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read


def answer(problem: Problem) -> Answer:
    """Raises what gradlab raises where it cannot."""
    derivation = derive(read(formula(problem.formula, wrt=[problem.wrt])))
    prove(derivation)
    shown = to_sympy(derivation.gradients[problem.wrt], derivation.program)
    module = ModuleType(problem.name)
    exec(compile(numpy_source(derivation), "<gradlab>", "exec"), vars(module))
    order = [argument.name for argument in module.OPERATION.arguments]
    position = order.index(problem.wrt)

    def prepare(data: Data) -> Run:
        inputs = [data[name] for name in order]
        grad_output = np.asarray(data["grad_output"])

        def run() -> Array:
            _, saved = module.forward(*inputs)
            found: Array = module.backward(grad_output, saved)[position]
            return found

        return run

    return Answer(str(shown), entries(shown), prepare)


def entries(expression: sp.Basic) -> int:
    """How many entries of tensors a formula mentions, each as often as it stands there."""
    if isinstance(expression, sp.Indexed):
        return 1
    return sum(entries(part) for part in expression.args)
