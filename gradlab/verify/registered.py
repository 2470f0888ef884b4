"""Verify registered operations: every kernel of `gradlab/kernels`, on every backend, row by row."""

from __future__ import annotations

import math
import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from gradlab import registry
from gradlab.adapters.cached import from_cached
from gradlab.adapters.subject import Subject
from gradlab.adapters.torch_kernels import MISSING, from_torch, one_thread, torch_jvp
from gradlab.errors import MissingDependencyError
from gradlab.operation import Operation, Parameter
from gradlab.registry import Backend
from gradlab.verify.along import DEFAULT, KEYWORD
from gradlab.verify.check import run
from gradlab.verify.extras import Extras
from gradlab.verify.oracles.reference import TorchReference
from gradlab.verify.references import Reference
from gradlab.verify.report import Report
from gradlab.verify.rows import Row, rows_of
from gradlab.verify.specification import Specification

BACKENDS: tuple[Backend, ...] = ("numpy", "torch")

Exact = Callable[[str, str], Reference | None]


def verify_operations(
    names: Sequence[str] | None = None,
    *,
    backends: Sequence[Backend] = BACKENDS,
    profile: Any = "default",
    seed: int | None = None,
    on_row: Callable[[Row], None] | None = None,
    executor: Executor | int | None = None,
    exact: Exact | None = None,
) -> Iterator[Row]:
    """One row per operation, backend and differentiable argument, yielded as soon as its check is done.

    `executor` is any `concurrent.futures.Executor`, such as Dask's `client.get_executor(pure=False, retries=3)`, or a
    number of worker processes on this machine; by default all runs here, in order. The rows are the same, in the order
    in which they are done; a check that took its process with it is a row that fails.

    `names=None` means all. Every check derives its own seed from `seed` (drawn where None; each row's report shows the
    one it used, which `report_operation(name, backend, seed=...)` takes). Without torch, torch rows say "skipped".
    `exact(name, digest)` gives an oracle without rounding for an operation, or None (the command line passes the
    symbolic one). Raises UnknownOperationError before anything runs.
    """
    chosen = registry.names() if names is None else tuple(names)
    for name in chosen:
        registry.operation(name)
    run_seed = secrets.randbelow(1 << 32) if seed is None else seed
    checks = [
        (name, backend, profile, operation_seed(run_seed, name, backend), exact)
        for name in chosen
        for backend in backends
    ]
    found = (row for one in checks for row in _one(*one)) if executor is None else _side_by_side(checks, executor)
    return _rows(found, on_row)


Arguments = tuple[str, Backend, Any, int, Exact | None]


def _rows(found: Iterator[Row], on_row: Callable[[Row], None] | None) -> Iterator[Row]:
    for row in found:
        if on_row is not None:
            on_row(row)
        yield row


def _one(name: str, backend: Backend, profile: Any, seed: int, exact: Exact | None) -> list[Row]:
    return operation_rows(name, backend, profile=profile, seed=seed, exact=exact)


def _side_by_side(checks: Sequence[Arguments], executor: Executor | int) -> Iterator[Row]:
    from gradlab.verify.answered import about, lost
    from gradlab.verify.confined import Job
    from gradlab.verify.elsewhere import runner

    jobs = [Job(f"{name} ({backend})", _one, (name, backend, *rest)) for name, backend, *rest in checks]
    with runner(executor) as running:
        for answer in running.run(jobs):
            name, backend, _, seed, _ = checks[answer.index]
            if answer.died or answer.refused:
                yield lost(answer, name, backend, seed).row
                continue
            claims = [one["claim"] for one in about(answer)]
            for row in answer.value:
                yield replace(row, reason="; ".join(filter(None, (row.reason, *claims))))


def operation_seed(seed: int, name: str, backend: str) -> int:
    """The seed of one check: the same whichever other operations are verified with it."""
    return zlib.crc32(f"{seed}/{name}/{backend}".encode())


def operation_rows(
    name: str, backend: Backend, *, profile: Any = "default", seed: int | None = None, exact: Exact | None = None
) -> list[Row]:
    """The rows of one operation on one backend."""
    operation = registry.operation(name)
    try:
        report = report_operation(name, backend, profile=profile, seed=seed, exact=exact)
    except MissingDependencyError:
        return [
            Row(name, backend, argument, (), 0, 0.0, "skipped", 0.0, {}, MISSING)
            for argument in operation.differentiable
        ]
    return rows_of(report, name, backend)


def report_operation(
    name: str,
    backend: Backend = "numpy",
    *,
    profile: Any = "default",
    seed: int | None = None,
    exact: Exact | None = None,
) -> Report:
    """Check one registered operation on one backend.

    Raises UnknownOperationError, or MissingDependencyError for `backend="torch"` without torch. The NumPy kernel is
    still checked without torch, by differences alone, and the report's notes say so.

    >>> report_operation("softmax", profile="quick", seed=1).verdict
    'pass'
    """
    kernel = registry.kernel(name, backend)
    operation, oracle = registry.operation(name), None
    if exact is not None:
        oracle = exact(name, operation.digest)
    subject, forward_mode = subject_of(name, backend, kernel), jvp_of(backend, kernel)
    return report_subject(subject, operation, profile=profile, seed=seed, exact=oracle, jvp=forward_mode)


def report_subject(
    subject: Subject,
    operation: Operation,
    *,
    profile: Any = "default",
    seed: int | None = None,
    exact: Reference | None = None,
    jvp: Callable[..., Any] | None = None,
    independent: Sequence[Reference] | None = None,
) -> Report:
    """Check any subject against the record of an operation: its kernel, or a planted copy of it.

    `independent` implementations stand in for that of the registered kernel.
    """
    specification, references, notes = described(operation, exact=exact, jvp=jvp, independent=independent)
    with one_thread():
        return run(subject, specification, references, profile=profile, seed=seed, notes=notes)


def described(
    operation: Operation,
    *,
    exact: Reference | None = None,
    jvp: Callable[..., Any] | None = None,
    independent: Sequence[Reference] | None = None,
) -> tuple[Specification, list[Reference], list[str]]:
    """What a check of an operation needs beside its subject, and notes on what it does without."""
    references, notes = references_of(operation) if independent is None else ([*independent], [])
    # A registered operation promises torch's own choice at kinks and ties, where there is a torch to ask.
    asked = any(isinstance(reference, TorchReference) for reference in references)
    choice: Literal["torch", "bracket"] = "torch" if asked else "bracket"
    references += [] if exact is None else [exact]
    return replace(specification_of(operation), extras=Extras(jvp=jvp, convention=choice)), references, notes


def jvp_of(backend: Backend, kernel: Any) -> Callable[..., Any]:
    """A kernel's forward-mode derivative as `check` takes it: tangents first, one per input."""
    if backend == "torch":
        return torch_jvp(kernel.forward, kernel.jvp)

    return partial(_numpy_jvp, kernel.forward, kernel.jvp)


def _numpy_jvp(forward: Any, jvp: Any, tangents: Sequence[Any], *inputs: Any, **params: Any) -> Any:
    _, saved = forward(*inputs, **params)
    return jvp(saved, *(tangent for tangent in tangents if tangent is not None))


def subject_of(name: str, backend: Backend, kernel: Any) -> Subject:
    """A kernel module as a subject."""
    label = f"{name} ({backend})"
    if backend == "torch":
        return from_torch(kernel.forward, kernel.backward, name=label)
    return from_cached(kernel.forward, kernel.backward, name=label)


def references_of(operation: Operation) -> tuple[list[Reference], list[str]]:
    """The independent reference of an operation, or a note that says why there is none."""
    try:
        kernel = registry.kernel(operation.name, "torch")
    except MissingDependencyError:
        return [], [f"torch autograd skipped: {MISSING}"]
    return [torch_reference(operation, kernel.reference)], []


def torch_reference(operation: Operation, reference: Callable[..., Any]) -> TorchReference:
    """An independent implementation on torch tensors."""
    differentiable = [k for k, argument in enumerate(operation.arguments) if argument.differentiable]
    return TorchReference(reference, differentiable)


def specification_of(operation: Operation) -> Specification:
    """What verification needs to know of an operation."""
    legal: dict[str, tuple[Any, ...]] = {p.name: legal_values(p) for p in operation.parameters}
    return Specification(
        operation.signature,
        operation.arguments,
        params=legal | ({} if operation.along is None else {KEYWORD: (DEFAULT,)}),
        ranges=dict.fromkeys(operation.nonempty, (1, None)),
        where=partial(_defined, operation) if operation.extents or operation.packed else None,
        kinks=operation.kinks,
        strict=True,
        broadcast=operation.broadcast,
        along=operation.along,
        extents=operation.extents,
    )


def _defined(operation: Operation, sizes: Mapping[str, int], params: Mapping[str, Any]) -> bool:
    """Whether the groups divide what is packed, and every dimension that follows from others has an entry."""
    packed = operation.packed
    free = [dim for dim in packed.dims.values() if dim in sizes] if packed else []
    if packed is not None and any(sizes[dim] % params[packed.groups] for dim in free):
        return False
    return all(extent.value({**sizes, **params}) >= 1 for extent in operation.extents)


def legal_values(parameter: Parameter) -> tuple[float, ...]:
    """The default, both ends of the range and its middle: the geometric one where the range is positive."""
    low, high = parameter.minimum, parameter.maximum
    if parameter.integer:
        return tuple(dict.fromkeys((parameter.default, low, high, (low + high) // 2)))
    middle = math.sqrt(low * high) if low > 0 else (low + high) / 2
    return tuple(dict.fromkeys((parameter.default, low, high, middle)))
