"""The public check: validate, run rounds of cases, judge, explain."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gradlab.adapters.subject import Subject
from gradlab.errors import GradientError
from gradlab.operation import Domain
from gradlab.verify.examination import Examination
from gradlab.verify.laws import LAWS
from gradlab.verify.laws.convention import require_torch
from gradlab.verify.preflight import as_subject, callables, reference_of
from gradlab.verify.profiles import pictured
from gradlab.verify.profiles import profile as profile_of
from gradlab.verify.references import Reference
from gradlab.verify.report import Report
from gradlab.verify.specification import DTYPES, Range, Relation, Specification, specify


def check(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
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
    double_backward: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    batch: str | None = None,
    per_sample: bool = False,
    convention: str = "bracket",
    exclude: Mapping[str, str] | None = None,
    profile: Any = "default",
    seed: int | None = None,
    pictures: bool = False,
) -> Report:
    """Check a hand-written backward pass on generated cases, and say what was found.

    `forward(*inputs, **params)` returns one array; `backward(grad_output, *inputs, **params)` returns one gradient per
    input, of its shape and dtype (a tuple, or a bare array for a single input), None for inputs without a gradient.
    Shapes come from `signature`, in NumPy's gufunc notation; sizes start at 0 unless `dims` says otherwise, and `...`
    stands for any number of leading dimensions.

    - `names`: of the arguments; by default those of forward's parameters.
    - `wrt`: arguments that have a gradient; by default all with a continuous domain.
    - `domains`: legal values per argument, by default `gradlab.real()`.
    - `dims`: `{"n": (1, 8), "c": (2, None)}`; `where(sizes, params)`: a relation that sizes and parameters satisfy.
    - `params`: legal values of keyword parameters, the default first.
    - `broadcast`: the `...` of different arguments may differ and follow NumPy broadcasting.
    - `reference`: an independent forward, on arrays or on torch tensors; compared first, then an oracle of its own.
    - `dtypes`: "float16" may stand beside "float64" and "float32"; see the law "precision".
    - `batch="n"`: permuting the samples along `n` permutes the gradients; with `per_sample=True` samples are also
      independent: any part of the batch alone gives the same rows, and parts that add up for arguments without `n`.
    - `jvp(tangents, *inputs, **params)`: the forward-mode derivative, for <JVP(u), g> = <u, VJP(g)>; one tangent per
      input, None for those without a gradient.
    - `order=2`: the Jacobian of backward, for a fixed grad_output, is symmetric; and
      `double_backward(grad_grads, grad_output, *inputs, **params)`, which returns a gradient for grad_output and then
      one per input, is that of backward.
    - `convention="torch"`: at a kink the answer is that of a torch `reference`, not any slope between both sides.
    - `exclude`: `{"layout": "documented: C order only"}`, laws that do not apply, each with its reason.
    - `profile`: "quick" (10 cases), "default" (90), "thorough" (255) or a Hypothesis profile.
    - `seed`: repeats a run exactly; the report shows the one that was drawn.
    - `pictures`: failures also hold the data of their charts, as `report.html()` shows them.

    At a kink every answer between the slopes on both sides is accepted by default. Raises SignatureError (a ValueError)
    for arguments that make no sense; never raises for what the code under test does.

    Equivalent to `torch.autograd.gradcheck` in purpose, for any backward in NumPy.

    >>> import numpy as np, gradlab
    >>> report = gradlab.check(np.tanh, lambda grad_output, x: grad_output * (1 - np.tanh(x)), "(n)->(n)",
    ...                        names=("x",), seed=0, profile="quick")
    >>> report.verdict
    'fail'
    >>> gradlab.check(np.tanh, lambda grad_output, x: grad_output / np.cosh(x) ** 2, "(n)->(n)", names=("x",),
    ...               domains={"x": gradlab.real(-9, 9)}, seed=0, profile="quick").verdict
    'pass'
    """
    subject, specification, references = described(
        forward,
        backward,
        signature,
        names=names,
        wrt=wrt,
        domains=domains,
        dims=dims,
        where=where,
        params=params,
        broadcast=broadcast,
        dtypes=dtypes,
        reference=reference,
        exclude=exclude,
        order=order,
        double_backward=double_backward,
        jvp=jvp,
        batch=batch,
        per_sample=per_sample,
        convention=convention,
    )
    return run(subject, specification, references, profile=pictured(profile) if pictures else profile, seed=seed)


def verify(forward: Callable[..., Any], backward: Callable[..., Any], signature: str, **options: Any) -> Report:
    """`check` for a test: raises GradientError (an AssertionError) with the report's text unless it passes.

    >>> import gradlab
    >>> gradlab.verify(lambda x: x * x, lambda grad_output, x: 2 * x * grad_output, "(n)->(n)", seed=0).verdict
    'pass'
    """
    report = check(forward, backward, signature, **options)
    if report.verdict != "pass":
        raise GradientError(str(report))
    return report


def described(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    signature: str,
    *,
    reference: Callable[..., Any] | None = None,
    **options: Any,
) -> tuple[Subject, Specification, list[Reference]]:
    """The arguments of `check`, validated; raises SignatureError."""
    callables(forward=forward, backward=backward)
    specification = specify(signature, forward=forward, laws=LAWS, **options)
    names = [argument.name for argument in specification.arguments]
    subject = as_subject(forward, backward, names, specification.params, str(specification.signature))
    references = [] if reference is None else [reference_of(reference, specification)]
    require_torch(specification, references)
    return subject, specification, references


def run(
    subject: Subject,
    specification: Specification,
    references: Sequence[Reference] = (),
    *,
    profile: Any = "default",
    seed: int | None = None,
    notes: Sequence[str] = (),
    shrinking: bool = True,
) -> Report:
    """Examine a subject that is already described; what `check` and the driver of registered operations share.

    `shrinking=False` shows failing cases as they were found, for those who only count them.
    """
    return Examination(subject, specification, references, profile_of(profile), seed, notes, shrinking).run()
