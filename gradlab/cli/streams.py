"""What `gradlab verify` examines, as a stream of rows: in this process or in workers, each as soon as it is known."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from gradlab.cli.targets import Target
from gradlab.errors import SignatureError
from gradlab.registry import Backend

if TYPE_CHECKING:
    from gradlab.verify.confined import Job
    from gradlab.verify.elsewhere import Elsewhere
    from gradlab.verify.flat import FlatRow
    from gradlab.verify.profiles import Profile
    from gradlab.verify.workers import Answer, Pool

# Where a row belongs in the table, and the row.
Placed = tuple[int, "FlatRow"]


def in_this_process(names: Sequence[str], backends: Sequence[Backend], profile: Profile, seed: int) -> Iterator[Placed]:
    """Rows of registered operations, one after the other."""
    from gradlab.symbolic.oracle import symbolic_reference
    from gradlab.verify import registered
    from gradlab.verify.flat import FlatRow

    rows = registered.verify_operations(names, backends=backends, profile=profile, seed=seed, exact=symbolic_reference)
    for row in rows:
        yield 0, FlatRow.of(row)


def runner(stack: ExitStack, where: str | int, *, timeout: float, memory: float | None) -> Pool | Elsewhere:
    """Worker processes of this machine for a number, a cluster's for "dask:ADDRESS"; the stack closes them.

    Raises SignatureError for another word, or where the cluster does not answer.
    """
    from gradlab.verify import elsewhere

    if isinstance(where, int):
        pool = elsewhere.runner(where, timeout=timeout, memory=memory)
        stack.push(pool)
        return pool
    kind, _, address = where.partition(":")
    if kind != "dask":
        raise SignatureError(f"--executor {where}: unknown; write --executor dask:tcp://HOST:PORT, or -n WORKERS here")
    from gradlab.adapters.dask import dask_executor

    cluster = elsewhere.runner(stack.enter_context(dask_executor(address)), timeout=timeout, memory=memory)
    stack.push(cluster)
    return cluster


def operations(
    pool: Pool | Elsewhere, names: Sequence[str], backends: Sequence[Backend], profile: Profile, seed: int
) -> Iterator[Placed]:
    """Rows of registered operations, side by side."""
    from gradlab.cli.subjects import registered
    from gradlab.verify.confined import Job

    jobs = [
        Job(f"{name} ({backend})", registered, (name, backend, profile, seed)) for name in names for backend in backends
    ]
    for answer in pool.run(jobs):
        name, backend = answer.job.arguments[:2]
        yield from _rows(answer, name, backend, answer.index, seed)


def targets(
    pool: Pool | Elsewhere, found: Sequence[Target], line: Mapping[str, Any], profile: Profile, seed: int
) -> Iterator[Placed]:
    """Rows of the reader's own functions. All are described before any is checked.

    Raises SignatureError for one that is not described well; a file that cannot be imported is a row.
    """
    from gradlab.cli.subjects import examine, label, names
    from gradlab.verify.confined import Job

    first = 1 << 20  # after the registered operations, and after files that cannot be imported
    named: dict[int, list[str]] = {}
    lost: list[Placed] = []
    jobs = [Job(label(target), names, (target, line), target.module) for target in found]
    for answer in pool.run(jobs):
        if answer.refused:
            raise SignatureError(answer.refused)
        target = found[answer.index]
        if answer.died:
            lost.extend(_rows(answer, label(target), "user", first - len(found) + answer.index, seed, "import"))
        else:
            named[answer.index] = answer.value
    yield from lost
    checks: list[Job] = []
    places: list[int] = []
    for index, own in sorted(named.items()):
        for name in own:
            target = Target(found[index].module, name)
            own_seed = zlib.crc32(f"{seed}/{label(target)}".encode())
            checks.append(Job(label(target), examine, (target, line, profile, own_seed), target.module))
            places.append(first + len(places))
    for answer in pool.run(checks):
        yield from _rows(answer, answer.job.label, "user", places[answer.index], answer.job.arguments[-1])


def _rows(
    answer: Answer, operation: str, backend: str, place: int, seed: int, doing: str = "the check"
) -> Iterator[Placed]:
    from gradlab.verify.answered import rows

    if answer.refused:
        raise SignatureError(answer.refused)
    for flat in rows(answer, operation, backend, seed, doing):
        yield place, flat
