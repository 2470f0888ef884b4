"""The jax door of `gradlab.check`: the same cases and laws on jax arrays, and those of its transformations besides."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from gradlab.errors import GradientError, SignatureError
from gradlab.jax.laws import JAX_LAWS
from gradlab.jax.program import Program
from gradlab.jax.reference import JaxReference
from gradlab.jax.reproduction import reproduction
from gradlab.jax.targets import FIRST_UPSTREAM, JIT, Target, gradient_of, target_of
from gradlab.operation import Argument, Domain, real
from gradlab.verify.calls import quiet
from gradlab.verify.case import build
from gradlab.verify.check import run
from gradlab.verify.frameworks import broken_laws
from gradlab.verify.laws import LAWS
from gradlab.verify.plan import round_of_plans
from gradlab.verify.profiles import profile as profile_of
from gradlab.verify.references import NumpyReference, Reference
from gradlab.verify.report import Report
from gradlab.verify.specification import DTYPES, Range, Relation, Specification, specify

# The laws of transformations depend on paths through the code, hardly on values, and each case compiles some programs.
_CASES_PER_ROUND, _MOST_CASES = 2, 8

# The first-order gradient was checked thoroughly; its own takes twice as long to compile.
_SECOND_ORDER_ROUNDS = 1


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
    dtypes: Sequence[str] = DTYPES,
    reference: Callable[..., Any] | None = None,
    order: int = 1,
    exclude: Mapping[str, str] | None = None,
    profile: Any = "default",
    seed: int | None = None,
) -> Report:
    """Check the gradients that jax gives for a `custom_vjp` function or any callable of arrays.

    `function` takes jax arrays and returns one. Options are those of `gradlab.check`; besides:

    - It runs under `jax.jit`, with `params` as static arguments, where it can be traced; else as it is, which a note
      says. float64 cases run with `jax_enable_x64` for the time of each call; the setting itself stays as it is.
    - `reference` is a function of jax arrays, differentiated by jax itself, or one of NumPy arrays.
    - `order=2` also checks the gradient of each argument's gradient.
    - `exclude` also knows the laws "jit" (the same numbers without `jax.jit`) and "vmap" (each sample of a batch has
      the gradients that it has alone, for batches of inputs and, as in `jax.jacrev`, of upstream gradients).

    Raises SignatureError for arguments that make no sense. jax itself takes None from a bwd rule for zero, and whatever
    it gives for integer arguments for none.

    Equivalent to `jax.test_util.check_grads(function, args, order=1, modes="rev")` in purpose.

    >>> import jax, gradlab.jax
    >>> @jax.custom_vjp
    ... def square(x):
    ...     return x * x
    >>> square.defvjp(lambda x: (x * x, x), lambda x, grad_output: (2 * x * abs(grad_output),))
    >>> gradlab.jax.check(square, "(4)->(4)", profile="quick", seed=0).verdict
    'fail'
    """
    if order not in (1, 2):
        raise SignatureError(f"order={order!r} is not supported; use 1 or 2")
    seed = secrets.randbelow(1 << 32) if seed is None else seed
    target = target_of(function, signature, names)
    specification = specify(
        target.signature,
        forward=target.call,
        names=target.names,
        wrt=wrt,
        domains=domains,
        dims=dims,
        where=where,
        params=params,
        dtypes=dtypes,
        exclude=exclude,
        laws=(*LAWS, *JAX_LAWS),
    )
    references = [] if reference is None else [_reference(reference, specification)]
    reports = [_examined(target, specification, references, profile, seed)]
    if order == 2:
        reports += _second_order(target, specification, profile, seed)
    return _decisive(reports)


def verify(function: Any, signature: str, **options: Any) -> Report:
    """`check` for a test: raises GradientError (an AssertionError) with the report's text unless it passes.

    >>> import jax.numpy, gradlab.jax
    >>> gradlab.jax.verify(jax.numpy.sin, "(3)->(3)", names=("x",), profile="quick", seed=0).verdict
    'pass'
    """
    report = check(function, signature, **options)
    if report.verdict != "pass":
        raise GradientError(str(report))
    return report


def _examined(
    target: Target, specification: Specification, references: Sequence[Reference], profile: Any, seed: int
) -> Report:
    program = Program(target.call, specification.differentiable)
    subject = program.subject(target.name, target.source)
    report = run(subject, specification, references, profile=profile, seed=seed)
    count = min(_CASES_PER_ROUND * profile_of(profile).rounds, _MOST_CASES)
    laws = {name: partial(law, program) for name, law in JAX_LAWS.items()}
    write = partial(reproduction, subject, specification)
    # Also beside failures: that a gradient is wrong under jit alone is the better half of the news.
    broken = broken_laws(laws, subject, specification, seed, count, write)
    shown = sorted([*broken, *report.findings], key=lambda finding: finding.severity == "note")
    notes = report.notes
    if program.untraceable:
        shown = [replace(one, reproduction=one.reproduction.replace(f"{JIT}(lambda", "(lambda")) for one in shown]
        notes = (*notes, f"checked without jax.jit, which cannot trace it: {program.untraceable}")
    return replace(report, findings=tuple(shown), notes=notes)


def _second_order(target: Target, specification: Specification, profile: Any, seed: int) -> list[Report]:
    names = tuple(argument.name for argument in specification.arguments)
    reports, whole = [], profile_of(profile)
    profile = replace(whole, rounds=min(whole.rounds, _SECOND_ORDER_ROUNDS))
    for k in specification.differentiable:
        vjp = gradient_of(target, names, k)
        arguments = (*specification.arguments, Argument(FIRST_UPSTREAM, real()))
        # In float64 alone: the forward is a backward here, whose rounding in float32 was judged as one.
        second = replace(specification, signature=vjp.signature, arguments=arguments, dtypes=("float64",))
        reports.append(_examined(vjp, second, (), profile, seed))
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


def _reference(function: Any, specification: Specification) -> Reference:
    """jax tells a function of its own arrays from one of NumPy's by tracing it."""
    if not callable(function):
        raise SignatureError(f"reference={function!r} cannot be called; pass a function of the same arguments")
    plan = next(plan for plan in round_of_plans(specification, (0,)) if 0 not in plan.sizes.values())
    inputs = build(plan, specification).inputs
    reference = JaxReference(function, specification.differentiable)
    with quiet():
        if reference.output(inputs, plan.params) is not None:
            return reference
    return NumpyReference(function)
