"""The torch door of `gradlab.check`: the same cases and laws on tensors, and the laws of autograd besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from gradlab.adapters.torch_kernels import one_thread
from gradlab.errors import GradientError, SignatureError
from gradlab.operation import Argument, Domain, real
from gradlab.torch.autograd import Autograd
from gradlab.torch.examination import broken_laws, generated, readable
from gradlab.torch.laws import TORCH_LAWS
from gradlab.torch.precision import LOW_DTYPES, narrow_findings
from gradlab.torch.second_order import FIRST_UPSTREAM, gradient_of
from gradlab.torch.targets import Target, target_of
from gradlab.verify.check import run
from gradlab.verify.extras import Extras
from gradlab.verify.laws import LAWS
from gradlab.verify.laws.convention import require_torch
from gradlab.verify.preflight import reference_of
from gradlab.verify.profiles import pictured
from gradlab.verify.profiles import profile as profile_of
from gradlab.verify.references import Reference
from gradlab.verify.report import Report
from gradlab.verify.specification import DTYPES, Range, Relation, Specification, specify

# The laws of autograd depend on paths through the code, hardly on values: two rounds of cases meet them all.
_ROUNDS = 2


def check(
    function: Any,
    signature: str,
    *,
    names: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    domains: Mapping[str, Domain] | None = None,
    dims: Mapping[str, Range] | None = None,
    where: Relation | None = None,
    params: Mapping[str, Sequence[Any]] | None = None,
    broadcast: bool = False,
    dtypes: Sequence[str] = DTYPES,
    reference: Callable[..., Any] | None = None,
    order: int = 1,
    parameters: bool = True,
    batch: str | None = None,
    per_sample: bool = False,
    convention: str = "bracket",
    exclude: Mapping[str, str] | None = None,
    profile: Any = "default",
    seed: int | None = None,
    devices: Sequence[str] | None = None,
    pictures: bool = False,
) -> Report:
    """Check the gradients that autograd gives for a Function, a module or any callable of tensors.

    `function` is a `torch.autograd.Function` class (or its `apply`), a built `torch.nn.Module`, or a callable; it takes
    tensors and returns one. Options are those of `gradlab.check`; besides:

    - The signature of a module is that of its inputs; its parameters become further arguments, under the names of
      `named_parameters()` and with their own shapes, unless `parameters=False`. The module itself is not changed.
    - `order=2` also checks the double backward: the first-order gradient of each argument is differentiated.
    - `devices`: by default the CPU, and CUDA where there is one.
    - `dtypes` may name "float16" and "bfloat16" beside the wide ones; see the law "precision".
    - `exclude` also knows the laws of autograd: "needs_input_grad" (every subset of inputs that require grad gives the
      same numbers), "retain_graph" (so does a second backward), "expanded" (so does the gradient of `output.sum()`).

    Raises SignatureError for arguments that make no sense. A gradient that autograd leaves undefined counts as zero;
    one of another dtype is cast by autograd before anybody sees it, so that only its lost digits show.

    Equivalent to `torch.autograd.gradcheck` in purpose.

    >>> import torch, gradlab.torch
    >>> class Square(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, grad_output):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * grad_output.abs()
    >>> gradlab.torch.check(Square, "(n)->(n)", profile="quick", seed=0).verdict
    'fail'
    >>> gradlab.torch.check(torch.nn.Linear(3, 2), "(n,3)->(n,2)", profile="quick", seed=0).verdict
    'pass'
    """
    if order not in (1, 2):
        raise SignatureError(f"order={order!r} is not supported; use 1 or 2")
    profile = pictured(profile) if pictures else profile
    reports: list[Report] = []
    for device in _devices(devices):
        target = target_of(function, signature, names, parameters, device)
        specification = specify(
            target.signature,
            names=target.names,
            wrt=wrt,
            domains=domains,
            dims=dims,
            where=where,
            params=params,
            broadcast=broadcast,
            dtypes=dtypes,
            exclude=exclude,
            laws=(*LAWS, *TORCH_LAWS),
            low=LOW_DTYPES,
            batch=batch,
            per_sample=per_sample,
            convention=convention,
        )
        references = [] if reference is None else [reference_of(reference, specification)]
        require_torch(specification, references)
        label = target.name if device == "cpu" else f"{target.name} ({device})"
        report = _examined(replace(target, name=label), specification, references, device, profile, seed)
        seconds = _second_order(target, specification, device, profile, seed) if order == 2 else []
        # A callable may be made for the CPU alone: on a device that nobody asked for, that is no verdict.
        if devices is None and device != "cpu" and report.verdict == "inconclusive":
            reports[0] = replace(reports[0], notes=(*reports[0].notes, f"{device} skipped: {report.reasons[0]}"))
            continue
        reports += [report, *seconds]
    return _decisive(reports)


def verify(function: Any, signature: str, **options: Any) -> Report:
    """`check` for a test: raises GradientError (an AssertionError) with the report's text unless it passes.

    >>> import torch, gradlab.torch
    >>> gradlab.torch.verify(torch.tanh, "(n)->(n)", names=("x",), profile="quick", seed=0).verdict
    'pass'
    """
    report = check(function, signature, **options)
    if report.verdict != "pass":
        raise GradientError(str(report))
    return report


def _devices(devices: Sequence[str] | None) -> tuple[str, ...]:
    if devices is None:
        return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    if isinstance(devices, str) or not devices:
        raise SignatureError(f"devices={devices!r} is no tuple of devices; write devices=('cpu',)")
    for device in devices:
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            text = str(error).splitlines()[0]
            raise SignatureError(f"devices: {device!r} cannot be used here ({text}); leave it out") from error
    return tuple(str(torch.device(device)) for device in devices)


def _examined(
    target: Target,
    specification: Specification,
    references: Sequence[Reference],
    device: str,
    profile: Any,
    seed: int | None,
    *,
    constant: bool = False,
) -> Report:
    autograd = Autograd(target.call, specification.differentiable, torch.device(device), constant)
    subject = autograd.subject(target.name, target.source)
    with one_thread():
        # Narrow numbers take a way of their own: NumPy has no bfloat16.
        usual = replace(specification, extras=replace(specification.extras, low=()))
        report = run(subject, usual, references, profile=profile, seed=seed)
        report = replace(report, specification=specification)
        shown = list(report.findings)
        if not report.failures:
            cases = generated(specification, report.seed, min(profile_of(profile).rounds, _ROUNDS))
            shown += broken_laws(autograd, subject, specification, cases, report.seed)
            shown += narrow_findings(autograd, specification, report.seed, profile_of(profile).rounds, report.tally)
    shown.sort(key=lambda finding: finding.severity == "note")
    arguments = [argument.name for argument in specification.arguments]
    return replace(report, findings=tuple(readable(finding, arguments) for finding in shown))


def _second_order(
    target: Target, specification: Specification, device: str, profile: Any, seed: int | None
) -> list[Report]:
    names = tuple(argument.name for argument in specification.arguments)
    reports, whole = [], profile_of(profile)
    profile = replace(whole, rounds=min(whole.rounds, _ROUNDS))
    for k in specification.differentiable:
        vjp = gradient_of(target, names, k)
        arguments = (*specification.arguments, Argument(FIRST_UPSTREAM, real()))
        # In float64 alone: the forward is a backward here, whose rounding in float32 was judged as one.
        second = replace(
            specification,
            # Broadcast arguments have gradients of their own shapes, which no output of the signature can tell.
            signature=replace(vjp.signature, output=None) if specification.broadcast else vjp.signature,
            arguments=arguments,
            dtypes=("float64",),
            whole=frozenset({len(names)}),
            extras=Extras(),
        )
        reports.append(_examined(vjp, second, (), device, profile, seed, constant=True))
    return reports


def _decisive(reports: Sequence[Report]) -> Report:
    """The first that fails, else the first that is inconclusive, else the first, with a note on the others."""
    for verdict in ("fail", "inconclusive"):
        for report in reports:
            if report.verdict == verdict:
                return report
    others = tuple(f"{report.subject}: passes as well, {report.cases} cases" for report in reports[1:])
    total = sum(report.seconds for report in reports)
    return replace(reports[0], notes=(*reports[0].notes, *others), seconds=total)
