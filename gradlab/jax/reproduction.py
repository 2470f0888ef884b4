"""A short program that shows a finding of jax's laws again, without gradlab."""

from __future__ import annotations

from gradlab.adapters.subject import Subject
from gradlab.verify.case import Case
from gradlab.verify.reproduction import prelude
from gradlab.verify.specification import Specification
from gradlab.verify.violation import Violation


def reproduction(subject: Subject, specification: Specification, violation: Violation, case: Case) -> str:
    """The engine's program up to the arrays, then the two calls that should agree."""
    head = prelude(subject, specification, case)
    names = ", ".join(argument.name for argument in specification.arguments)
    params = "".join(f", {name}={value!r}" for name, value in case.params.items())
    wanted = tuple(k for k, argument in enumerate(specification.arguments) if argument.differentiable)
    lines = [
        head,
        f"arrays, wanted = [jax.numpy.asarray(array) for array in ({names},)], {wanted}",
        "def gradients(g, *arrays):",
        "    def function(*chosen):",
        "        given = dict(zip(wanted, chosen))",
        f"        return call(*(given.get(k, array) for k, array in enumerate(arrays)){params})",
        "    return jax.vjp(function, *(arrays[k] for k in wanted))[1](g)",
        "usual = gradients(jax.numpy.asarray(grad_output), *arrays)",
    ]
    if violation.law == "jit":
        lines.append('print("without jax.jit:", usual)')
        lines.append('print("under jax.jit:", jax.jit(gradients)(grad_output, *arrays))')
    else:
        lines.append("flipped = [array[..., ::-1] if array.ndim else array for array in (*arrays, -2 * grad_output)]")
        lines.append("batch = [jax.numpy.stack(pair) for pair in zip((*arrays, grad_output), flipped)]")
        lines.append('print("alone:", usual, gradients(flipped[-1], *flipped[:-1]))')
        lines.append('print("in a batch:", jax.vmap(gradients)(batch[-1], *batch[:-1]))')
        lines.append("upstream = jax.vmap(gradients, in_axes=(0,) + (None,) * len(arrays))")
        lines.append('print("in a batch of upstream gradients:", upstream(batch[-1], *arrays))')
    return "\n".join(lines) if head else ""
