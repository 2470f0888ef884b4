"""What `gradlab verify` examines, as a stream of rows: in this process or in workers, each as soon as it is known."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradlab.cli.targets import Target
from gradlab.errors import SignatureError
from gradlab.registry import Backend

if TYPE_CHECKING:
    from gradlab.verify.confined import Job
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


def operations(
    pool: Pool, names: Sequence[str], backends: Sequence[Backend], profile: Profile, seed: int
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
    pool: Pool, found: Sequence[Target], line: Mapping[str, Any], profile: Profile, seed: int
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
    from gradlab.verify.flat import fault, finding

    if answer.refused:
        raise SignatureError(answer.refused)
    if answer.died:
        where = f" ({answer.place})" if answer.place else ""
        what = answer.died if answer.died.startswith(("worker", "no end")) else f"{doing} raises {answer.died}"
        details, more = case_of(answer)
        row = fault(operation, backend, f"{what}{where}", details=details, seconds=answer.seconds, seed=seed, **more)
        yield place, row
        return
    first = next((text for text in answer.printed.splitlines() if text.strip()), "")
    notes = [finding(f"prints to standard output: {first[:60]!r}", severity="note")] if answer.printed else []
    for flat in answer.value:
        yield place, flat.noted(notes)


def case_of(answer: Answer) -> tuple[list[str], dict[str, Any]]:
    """The call that ran when its process died: lines for the reader, entries for JSON."""
    from gradlab.verify.report import plain
    from gradlab.verify.reproduction import literal

    call = answer.call
    if call is None:
        return [], {}
    params = "" if call.params == "{}" else f", parameters {call.params}"
    lines = [f"case: {call.half}{params}"]
    arrays = {name: array for name, array in call.arrays if not isinstance(array, str)}
    shown = {
        name: array if isinstance(array, str) else literal(array) if array.size <= 24 else f"shape {array.shape}"
        for name, array in call.arrays
    }
    lines += [f"  {name} = {text}" for name, text in shown.items()]
    source = ""
    if arrays and sum(array.size for array in arrays.values()) <= 64:
        order = ["grad_output", *(name for name in arrays if name != "grad_output")]
        passed = ", ".join(name for name in order if name in arrays)
        extra = "" if call.params == "{}" else f", **{call.params}"
        body = [f"{name} = {literal(array)}" for name, array in arrays.items()]
        source = "\n".join(
            ["import numpy as np", *call.source.splitlines(), "", *body, f"{call.half}({passed}{extra})"]
        )
        lines += ["reproduce without gradlab:", *(f"  {line}" for line in source.splitlines())]
    return lines, {"case": {name: plain(array) for name, array in arrays.items()}, "reproduction": source}
