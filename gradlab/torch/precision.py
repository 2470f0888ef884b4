"""bfloat16 and float16 through the torch door: the same law, on leaves that hold what the dtype can hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from gradlab.torch.autograd import Autograd
from gradlab.verify.calls import Caller, quiet
from gradlab.verify.case import Case
from gradlab.verify.laws.precision import LAW, precision
from gradlab.verify.narrow import narrow_cases
from gradlab.verify.report import Finding
from gradlab.verify.specification import Specification
from gradlab.verify.tally import Tally
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LOW_DTYPES = ("float16", "bfloat16")

# One miss may be rounding that no estimate foresaw; the same argument wrong in three cases is not.
_COMPANY = 3


def narrow_findings(
    autograd: Autograd, specification: Specification, seed: int, rounds: int, tally: Tally
) -> Iterator[Finding]:
    """One finding per argument and dtype whose gradient is worse than its digits explain; `tally` counts the others."""
    for dtype in specification.extras.low if LAW not in specification.exclude else ():
        missed: dict[tuple[str, str], list[tuple[Violation, Case]]] = {}
        # Saved tensors of a dtype that NumPy lacks are not watched: wider ones were.
        narrow = Caller(replace(_narrow(autograd, dtype).subject(dtype, ""), saved_arrays=lambda saved: []))
        wide = Caller(autograd.subject("float64", ""))
        with quiet():
            for case in narrow_cases(specification, dtype, seed, rounds, holder="float32"):
                trial = Trial(case, specification, narrow, (), tally)
                trial.wide = wide
                for violation in precision(trial):
                    shown = replace(case, grad_output=trial.grad_output)
                    missed.setdefault(violation.key, []).append((violation, shown))
        for misses in missed.values():
            gross = [miss for miss in misses if not miss[0].provisional]
            if not gross and len(misses) < _COMPANY:
                continue
            violation, case = min(gross or misses, key=lambda miss: sum(array.size for array in miss[1].inputs))
            yield Finding.of(violation, case, specification, "")


def _narrow(autograd: Autograd, dtype: str) -> Autograd:
    kind: torch.dtype = getattr(torch, dtype)

    def call(*leaves: torch.Tensor, **params: Any) -> Any:
        # float32 leaves hold numbers of the narrow dtype, so that the cast loses nothing on the way in or back.
        output = autograd.call(*(leaf.to(kind) if leaf.is_floating_point() else leaf for leaf in leaves), **params)
        return output.float() if isinstance(output, torch.Tensor) else output

    return replace(autograd, call=call)
