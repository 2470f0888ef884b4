"""Laws that only autograd has, each a small piece: `law(autograd, trial)` yields a violation per broken promise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch

from gradlab.adapters.subject import Array
from gradlab.torch.autograd import Autograd
from gradlab.torch.tensors import as_array, moved, on_device
from gradlab.verify.calls import describe
from gradlab.verify.frameworks import close, differing
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

Law = Callable[[Autograd, Trial], Iterable[Violation]]

_ALL_SUBSETS = 4  # arguments up to which every subset is tried; with more, single ones and all but one


def needs_input_grad(autograd: Autograd, trial: Trial) -> Iterator[Violation]:
    """Freezing some inputs changes neither the output nor the gradients of the others."""
    law, upstream, inputs = "needs_input_grad", _upstream(autograd, trial), trial.case.inputs
    whole = autograd.record(inputs, trial.params)
    expected = _arrays(autograd.gradients(whole, upstream))
    for wanted in ((), *_subsets(autograd.differentiable)):
        names = ", ".join(trial.name(k) for k in wanted) or "no input"
        asked = f"where only {names} requires grad" if wanted else "where no input requires grad"
        evidence: dict[str, object] = {"requires grad": [trial.name(k) for k in wanted]}
        try:
            recorded = autograd.record(inputs, trial.params, wanted)
            gradients = _arrays(autograd.gradients(recorded, upstream, wanted)) if wanted else []
        except Exception as error:
            yield Violation(law, "", f"{asked}, it raises {describe(error)}", evidence)
            return
        if not close(trial, as_array(recorded.output), as_array(whole.output)):
            yield Violation(law, "output", f"forward gives other numbers {asked}", evidence)
            return
        yield from differing(law, trial, inputs, as_array(upstream), gradients, expected, asked, evidence)
    # The other way to leave gradients out: all inputs require grad, one is asked for.
    for k in autograd.differentiable if len(autograd.differentiable) > 1 else ():
        asked = f"where torch.autograd.grad asks for {trial.name(k)} alone"
        evidence = {"asked for": trial.name(k)}
        try:
            gradients = _arrays(autograd.gradients(whole, upstream, (k,)))
        except Exception as error:
            yield Violation(law, "", f"{asked}, backward raises {describe(error)}", evidence)
            return
        yield from differing(law, trial, inputs, as_array(upstream), gradients, expected, asked, evidence)


def retain_graph(autograd: Autograd, trial: Trial) -> Iterator[Violation]:
    """A second backward over the same graph gives the same numbers: nothing saved was consumed by the first."""
    recorded, upstream = autograd.record(trial.case.inputs, trial.params), _upstream(autograd, trial)
    expected = _arrays(autograd.gradients(recorded, upstream))
    how = "in a second backward over the same graph"
    try:
        again = _arrays(autograd.gradients(recorded, upstream))
    except Exception as error:
        yield Violation("retain_graph", "", f"a second backward over the same graph raises {describe(error)}")
        return
    yield from differing("retain_graph", trial, trial.case.inputs, as_array(upstream), again, expected, how)


def expanded(autograd: Autograd, trial: Trial) -> Iterator[Violation]:
    """The upstream gradient of `output.sum()`: one number, expanded with stride 0 along every axis."""
    one = torch.from_numpy(np.array(trial.rng.normal(), dtype=trial.output.dtype)).expand(trial.output.shape)
    upstream = one if autograd.device.type == "cpu" else moved(one, autograd.device)
    plain = upstream.contiguous()
    expected = _arrays(autograd.gradients(autograd.record(trial.case.inputs, trial.params), plain.clone()))
    how = "for an expanded grad_output (all strides 0, as output.sum().backward() makes it)"
    try:
        found = _arrays(autograd.gradients(autograd.record(trial.case.inputs, trial.params), upstream))
    except Exception as error:
        yield Violation("expanded", "", f"backward raises {describe(error)} {how}")
        return
    if not np.array_equal(as_array(upstream), as_array(plain)):
        yield Violation("expanded", "grad_output", f"backward changes grad_output in place {how}")
        return
    yield from differing("expanded", trial, trial.case.inputs, as_array(plain), found, expected, how)


TORCH_LAWS: dict[str, Law] = {
    "needs_input_grad": needs_input_grad,
    "retain_graph": retain_graph,
    "expanded": expanded,
}


def _subsets(arguments: Sequence[int]) -> Iterator[tuple[int, ...]]:
    count = len(arguments)
    sizes = range(1, count) if count <= _ALL_SUBSETS else sorted({1, count - 1})
    for size in sizes:
        yield from combinations(arguments, size)


def _upstream(autograd: Autograd, trial: Trial) -> torch.Tensor:
    return on_device(np.array(trial.grad_output), autograd.device)


def _arrays(gradients: Sequence[Any]) -> list[Array | None]:
    # Copies: a backward may return the same buffer again.
    return [None if gradient is None else np.array(as_array(gradient), dtype=np.float64) for gradient in gradients]
