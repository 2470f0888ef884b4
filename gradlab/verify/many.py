"""Many checks at once: described as data, run in worker processes of this machine or through an executor."""

from __future__ import annotations

import inspect
import pkgutil
import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from gradlab.adapters.functions import from_functions
from gradlab.adapters.subject import Subject
from gradlab.errors import SignatureError
from gradlab.verify.answered import rows
from gradlab.verify.check import check
from gradlab.verify.confined import Job
from gradlab.verify.elsewhere import pickled, runner
from gradlab.verify.flat import FlatRow
from gradlab.verify.laws import LAWS
from gradlab.verify.rows import rows_of
from gradlab.verify.specification import specify, suggestion
from gradlab.verify.watch import WATCH

_OPTIONS = sorted({*inspect.signature(check).parameters} - {"forward", "backward", "signature", "profile", "seed"})


@dataclass(frozen=True, slots=True)
class Check:
    """The arguments of one `gradlab.check`, in a form that can be sent to another process.

    `forward` and `backward` are functions of a module, or their names, "package.module:name", which are then imported
    only where the check runs. `forward` may name a pair that `from_cached` or `from_layer` made; `backward` is then
    None. `label` is what tables call the check, by default the name of forward.
    """

    forward: Callable[..., Any] | str
    backward: Callable[..., Any] | str | None
    signature: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""

    @property
    def name(self) -> str:
        """What tables call it."""
        if self.label or isinstance(self.forward, str):
            return self.label or str(self.forward)
        module, name = getattr(self.forward, "__module__", ""), getattr(self.forward, "__qualname__", "")
        return f"{module}:{name}" if name else repr(self.forward)


def verify_many(
    checks: Sequence[Check],
    *,
    executor: Executor | int = 1,
    profile: Any = "default",
    seed: int | None = None,
    timeout: float = 60.0,
    memory: float | None = None,
) -> Iterator[FlatRow]:
    """One row for each gradient of each check, as soon as the check is done.

    `executor` is any `concurrent.futures.Executor`, such as Dask's `client.get_executor(pure=False, retries=3)`, or a
    number of worker processes on this machine. Each check runs in a worker process: one that raises, dies, or takes
    longer than `timeout` seconds or more than `memory` GiB is a row of its own, and the others go on. A check that the
    executor loses is run again on this machine, which its row says.

    Each check derives its own seed from `seed` and its name, so that the rows depend neither on the executor nor on
    the order. Raises SignatureError, before anything runs, for a check that cannot be sent or an unknown option.
    `gradlab.verify.html.table.Table` holds the rows and is a page in a notebook.

    >>> checks = [Check("numpy:square", "numpy:multiply", "(n)->(n)", {"names": ("x",)})]
    >>> [(flat.row.operation, flat.row.verdict) for flat in verify_many(checks, profile="quick", seed=0)]
    [('numpy:square', 'fail')]
    """
    seed = secrets.randbelow(1 << 32) if seed is None else seed
    jobs = [_job(one, profile, seed) for one in checks]
    return _rows(jobs, executor, timeout, memory)


def _rows(jobs: Sequence[Job], executor: Executor | int, timeout: float, memory: float | None) -> Iterator[FlatRow]:
    with runner(executor, timeout=timeout, memory=memory) as running:
        for answer in running.run(jobs):
            yield from rows(answer, answer.job.label, "user", answer.job.arguments[-1])


def _job(one: Check, profile: Any, seed: int) -> Job:
    if not isinstance(one, Check):
        raise SignatureError(f"{one!r} is not a check; write Check(forward, backward, signature, {{option: value}})")
    for key in one.options:
        if key not in _OPTIONS:
            raise SignatureError(f"{one.name}: gradlab.check has no option {key!r}; {suggestion(key, _OPTIONS)}")
    job = Job(one.name, examine, (one, profile, zlib.crc32(f"{seed}/{one.name}".encode())))
    pickled(job)
    return job


def examine(one: Check, profile: Any, seed: int) -> list[FlatRow]:
    """The rows of one check; runs in a worker process."""
    with WATCH.during("import"):
        forward, backward = _resolved(one.forward), _resolved(one.backward)
    if isinstance(forward, Subject):
        subject, caller = forward, None
    else:
        subject, caller = from_functions(forward, backward), forward
    options, exclude = dict(one.options), dict(one.options.get("exclude") or {})
    known = specify(
        one.signature,
        forward=caller,
        **{key: value for key, value in options.items() if key not in ("reference", "exclude")},
        exclude=exclude,
        laws=(*LAWS, "isolation"),
    )
    allowed = exclude.pop("isolation", None)
    names = tuple(argument.name for argument in known.arguments)
    forward, backward = WATCH.subject(subject, names)
    options |= {"names": names, "exclude": exclude}
    report = check(forward, backward, one.signature, **options, profile=profile, seed=seed)
    found = [finding for finding in WATCH.findings() if finding["severity"] == "note" or allowed is None]
    return [FlatRow.of(row).noted(found) for row in rows_of(report, one.name, "user")]


def _resolved(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return pkgutil.resolve_name(given)
    except (ValueError, AttributeError, ModuleNotFoundError) as error:
        raise SignatureError(f"{given!r} names nothing here ({error}); write package.module:name") from error
