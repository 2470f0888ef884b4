"""Laws of jax's transformations, each a small piece: `law(program, trial)` yields a violation per broken promise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax
import numpy as np

from gradlab.adapters.subject import Array
from gradlab.jax.program import Program, compiled, precision
from gradlab.verify.calls import describe
from gradlab.verify.frameworks import close, differing
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

Law = Callable[[Program, Trial], Iterable[Violation]]


def jit(program: Program, trial: Trial) -> Iterator[Violation]:
    """Under `jax.jit`, output and gradients are those of the same calls without it."""
    if program.untraceable:
        return
    inputs, upstream = trial.case.inputs, trial.grad_output
    try:
        output, expected = program.eager(inputs, upstream, trial.params)
    except Exception as error:
        yield Violation("jit", "", f"without jax.jit, it raises {describe(error)}")
        return
    if not close(trial, trial.output, output):
        yield Violation("jit", "output", "forward gives other numbers under jax.jit than without it")
        return
    found = program.gradients(inputs, upstream, trial.params)
    yield from differing("jit", trial, inputs, upstream, _wide(found), _wide(expected), "under jax.jit")


def vmap(program: Program, trial: Trial) -> Iterator[Violation]:
    """`jax.vmap` gives each sample what it gets alone: in a batch of inputs, and of upstream gradients for one input.

    The second is how `jax.jacrev` calls a backward.
    """
    samples = _samples(program, trial)
    if len(samples) < 2:
        return
    inputs = [np.stack(arrays) for arrays in zip(*(sample[0] for sample in samples), strict=True)]
    upstream = np.stack([sample[1] for sample in samples])
    try:
        with precision(inputs):
            batch = np.array(compiled(jax.vmap(program.forward(trial.params)))(*inputs))
    except Exception as error:
        claim = f"forward cannot be batched: under jax.vmap it raises {describe(error)}"
        yield Violation("vmap", "output", claim, severity="note")
        return
    if not all(close(trial, row, sample[2]) for row, sample in zip(batch, samples, strict=True)):
        yield Violation("vmap", "output", "forward gives other numbers under jax.vmap than for each sample alone")
        return

    def whole(grad_output: Any, *arrays: Any) -> Any:
        return program.pullback(trial.params, arrays, batched=True)[1](grad_output)

    broken = list(_batched(program, trial, samples, inputs, upstream, whole, "in a batch of inputs (jax.vmap)"))
    yield from broken
    if broken:
        return

    def rows(grad_outputs: Any, *arrays: Any) -> Any:
        return jax.vmap(program.pullback(trial.params, arrays)[1])(grad_outputs)

    one = samples[0][0]
    samples = [(one, gradient, output) for _, gradient, output in samples]
    yield from _batched(program, trial, samples, one, upstream, rows, "in a batch of upstream gradients (jax.jacrev)")


JAX_LAWS: dict[str, Law] = {"jit": jit, "vmap": vmap}

_Sample = tuple[list[Array], Array, Array]


def _samples(program: Program, trial: Trial) -> list[_Sample]:
    """The case, and another of the same sizes and domains: entries in reverse, with another upstream gradient."""
    upstream = trial.grad_output
    chosen = [(list(trial.case.inputs), upstream), ([_reverse(x) for x in trial.case.inputs], -2 * _reverse(upstream))]
    result = []
    for inputs, gradient in chosen:
        output = program.output(inputs, trial.params)
        if output.shape == upstream.shape and np.isfinite(output).all():
            result.append((inputs, gradient, output))
    return result


def _reverse(array: Array) -> Array:
    return np.array(array[..., ::-1]) if array.ndim else array


def _batched(
    program: Program,
    trial: Trial,
    samples: Sequence[_Sample],
    inputs: Sequence[Array],
    upstream: Array,
    function: Callable[..., Any],
    how: str,
) -> Iterator[Violation]:
    """Compare the gradients that one call of `function` gives for all samples with those of each alone."""
    try:
        with precision(inputs):
            found = [np.array(gradient) for gradient in compiled(function)(upstream, *inputs)]
    except Exception as error:
        yield Violation("vmap", "", f"{how}, backward raises {describe(error)}")
        return
    for index, (own, gradient, _) in enumerate(samples):
        expected = program.gradients(own, gradient, trial.params)
        rows: list[Array | None] = [None] * len(own)
        for k, batch in zip(program.differentiable, found, strict=True):
            rows[k] = batch[index]
        violations = list(differing("vmap", trial, own, gradient, _wide(rows), _wide(expected), how))
        if violations:
            yield from violations
            return


def _wide(gradients: Sequence[Array | None]) -> list[Array | None]:
    return [None if gradient is None else gradient.astype(np.float64) for gradient in gradients]
