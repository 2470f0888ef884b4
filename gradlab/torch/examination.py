"""The second half of a check: torch's own laws on cases of their own, their failures shrunk like all others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gradlab.adapters.subject import Subject
from gradlab.torch.autograd import Autograd
from gradlab.torch.laws import TORCH_LAWS
from gradlab.verify.calls import Caller, describe, quiet
from gradlab.verify.case import Case, build
from gradlab.verify.frameworks import applicable
from gradlab.verify.plan import round_of_plans
from gradlab.verify.report import Finding
from gradlab.verify.reproduction import prelude
from gradlab.verify.shrink import shrink
from gradlab.verify.specification import Specification
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation


def broken_laws(
    autograd: Autograd,
    subject: Subject,
    specification: Specification,
    cases: Iterable[Case],
    seed: int,
    *,
    shrinking: bool = True,
) -> tuple[Finding, ...]:
    """One finding per torch law that is broken in any of the cases and not excluded."""
    caller = Caller(subject)
    found: dict[str, tuple[Violation, Case]] = {}
    with quiet():
        for case in cases:
            trial = Trial(case, specification, caller)
            wanted = [name for name in TORCH_LAWS if name not in found and name not in specification.exclude]
            for violation in judged(autograd, trial, wanted):
                found.setdefault(violation.law, (violation, replace(case, grad_output=trial.grad_output)))
    findings = []
    for violation, case in found.values():
        if shrinking:
            violation, case = _simplest(autograd, caller, specification, violation, case, seed) or (violation, case)
        source = _reproduction(subject, specification, violation, case)
        findings.append(Finding.of(violation, case, specification, source))
    return tuple(findings)


def generated(specification: Specification, seed: int, rounds: int) -> Iterator[Case]:
    """Rounds of stratified cases, as the engine draws them."""
    for index in range(rounds):
        for plan in round_of_plans(specification, (seed, index)):
            yield build(plan, specification)


def judged(autograd: Autograd, trial: Trial, names: Iterable[str]) -> Iterator[Violation]:
    """The violations of some torch laws in one trial."""
    if applicable(trial):
        for name in names:
            try:
                yield from TORCH_LAWS[name](autograd, trial)
            except Exception as error:  # the code under test, where it had come back before
                yield Violation(name, "", f"a call that went well before raises {describe(error)}")


def _simplest(
    autograd: Autograd, caller: Caller, specification: Specification, violation: Violation, case: Case, seed: int
) -> tuple[Violation, Case] | None:
    def fails(candidate: Case) -> tuple[Violation, Case] | None:
        with quiet():
            trial = Trial(candidate, specification, caller)
            for found in judged(autograd, trial, (violation.law,)):
                if found.key == violation.key:
                    return found, replace(candidate, grad_output=trial.grad_output)
        return None

    return shrink(case, specification, fails, seed)


def _reproduction(subject: Subject, specification: Specification, violation: Violation, case: Case) -> str:
    """The engine's program up to the arrays, then the two calls that should agree."""
    head = prelude(subject, specification, case)
    names = [argument.name for argument in specification.arguments]
    wanted = [argument.name for argument in specification.arguments if argument.differentiable]
    params = "".join(f", {name}={value!r}" for name, value in case.params.items())
    lines = [
        head,
        f"leaves = [leaf(array) for array in ({', '.join(names)},)]",
        f"wanted = [leaves[k] for k in {[names.index(name) for name in wanted]}]",
        f"output, upstream = call(*leaves{params}), torch.tensor(grad_output)",
    ]
    grad = "torch.autograd.grad(output, wanted, upstream, **options)"
    lines.append("options = dict(retain_graph=True, allow_unused=True)")
    lines.append(f'print("usual:", {grad})')
    if violation.law == "needs_input_grad" and "requires grad" in violation.evidence:
        frozen = [k for k, name in enumerate(names) if name not in str(violation.evidence["requires grad"])]
        lines.append(f"for k in {frozen}: leaves[k] = leaves[k].detach()")
        lines.append("wanted = [leaf for leaf in leaves if leaf.requires_grad]")
        lines.append(f"output = call(*leaves{params})")
    elif violation.law == "needs_input_grad":
        lines.append(f"wanted = [leaves[{names.index(str(violation.evidence['asked for']))}]]")
    elif violation.law == "expanded":
        lines.append("upstream = torch.ones((), dtype=output.dtype).expand(output.shape)")
        lines.append(f'print("contiguous:", {grad.replace("upstream", "upstream.contiguous()")})')
    lines.append(f'print("here:", {grad})')
    return "\n".join(lines) if head else ""


def readable(finding: Finding, names: Iterable[str]) -> Finding:
    """A parameter named 0.weight is no Python name: in the reproduction it becomes p0_weight."""
    source = finding.reproduction
    for name in names:
        if not name.isidentifier():
            plain = "p" + re.sub(r"\W", "_", name)
            source = re.sub(rf"(?<![\w.'\"]){re.escape(name)}(?![\w.'\"])", plain, source)
    return replace(finding, reproduction=source)
