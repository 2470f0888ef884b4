"""Jobs in worker processes: whatever one does to its process, its answer says so and the others go on."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Self

from gradlab.verify.confined import Job, Reply, place_in, serve
from gradlab.verify.watch import BOX_BYTES, Call, last_call

# Starting takes half a second; on a machine under load, or the first time after an installation, much longer.
_STARTING = 120.0

# The worker ends itself at its limit, with a traceback; only one that cannot is ended from here.
_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a job.

    One of: `value`; `refused`, the message of a GradlabError; `died`, one sentence on an error, a death or a time-out,
    with the `call` that ran and the `place` in the code ("course.py:12 in backward") where they are known.
    """

    job: Job
    index: int
    seconds: float
    value: Any = None
    refused: str = ""
    died: str = ""
    call: Call | None = None
    place: str = ""
    printed: str = ""
    spent: bool = False
    """True where the job left something running in its process."""
    lost: str = ""
    """Why an executor did not answer, where the answer comes from this machine instead."""


class Pool:
    """Up to `count` worker processes, started as jobs need them and replaced when they die. A context manager.

    `timeout` is in seconds for each job, `memory` in GiB for each worker.
    """

    def __init__(self, count: int = 1, *, timeout: float = 60.0, memory: float | None = None) -> None:
        self.count, self.timeout, self.memory = count, timeout, memory
        self.idle: list[_Worker] = []
        self.busy: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End every worker at once."""
        for worker in (*self.idle, *self.busy):
            worker.end()

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """The answers, each as soon as it is known; `Answer.index` is the job's place in `jobs`."""
        waiting = deque(enumerate(jobs))
        while waiting or self.busy:
            while waiting and len(self.busy) < self.count:
                index, job = waiting.popleft()
                worker = self._worker(job.group)
                self.busy.append(worker)
                worker.take(index, job)
            soonest = min(worker.deadline for worker in self.busy)
            wait([worker.pipe for worker in self.busy], max(0.0, soonest - time.monotonic()))
            for worker in list(self.busy):
                answer = worker.answer()
                if answer is not None:
                    self.busy.remove(worker)
                    if answer.spent:
                        worker.end()  # what a job left running would meet the next one
                    elif worker.process.is_alive():
                        self.idle.append(worker)
                    yield answer

    def _worker(self, group: str) -> _Worker:
        for worker in self.idle:
            if worker.group == group and worker.process.is_alive():
                self.idle.remove(worker)
                return worker
        # Never more processes than asked for: one that served another file makes room.
        while self.idle and len(self.idle) + len(self.busy) >= self.count:
            self.idle.pop(0).end()
        return _Worker(group, self.timeout, self.memory)


@dataclass(slots=True)
class _Worker:
    """One process and the job it has."""

    group: str
    timeout: float
    memory: float | None
    folder: Any = field(init=False)
    pipe: Connection = field(init=False)
    process: Any = field(init=False)
    box: Any = field(init=False)
    job: Job | None = None
    index: int = 0
    ready: bool = False
    since: float = 0.0

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.folder = tempfile.TemporaryDirectory(prefix="gradlab-", ignore_cleanup_errors=True)
        self.box = context.RawArray("c", BOX_BYTES)
        self.pipe, other = context.Pipe()
        arguments = (other, self.box, self.folder.name, self.timeout, self.memory)
        self.process = context.Process(target=serve, args=arguments, daemon=True)
        with _parenthood():
            self.process.start()
        other.close()  # so that the worker's death closes the pipe

    @property
    def deadline(self) -> float:
        return self.since + (self.timeout + _GRACE if self.ready else _STARTING)

    def take(self, index: int, job: Job) -> None:
        self.index, self.job, self.since = index, job, time.monotonic()
        with contextlib.suppress(OSError):  # it died while idle: its answer will say so
            self.pipe.send(job)

    def answer(self) -> Answer | None:
        """The answer, if there is one by now."""
        try:
            while self.pipe.poll():
                message = self.pipe.recv()
                if isinstance(message, Reply):
                    return self._replied(message)
                self.ready, self.since = True, time.monotonic()
        except (EOFError, OSError):
            self.process.join(_GRACE)
            return self._dead()
        return self._dead() if time.monotonic() > self.deadline else None

    def _replied(self, reply: Reply) -> Answer:
        assert self.job is not None
        seconds = time.monotonic() - self.since
        if reply.kind == "value":
            return Answer(self.job, self.index, seconds, value=reply.value, printed=reply.printed, spent=reply.spent)
        if reply.kind == "refused":
            return Answer(self.job, self.index, seconds, refused=reply.value)
        return Answer(
            self.job,
            self.index,
            seconds,
            died=reply.value,
            place=place_in(self._errors()),
            printed=reply.printed,
            spent=reply.spent,
        )

    def _dead(self) -> Answer:
        assert self.job is not None
        code, seconds, errors = self.process.exitcode, time.monotonic() - self.since, self._errors()
        self.end(keep=True)
        if not self.ready:
            died = f"worker could not start ({_how(code)}): {_last_line(errors) or 'no message'}"
        elif code is None or "Timeout (" in errors:
            died = f"no end after {self.timeout:g} s while checking {self.job.label}; the worker was stopped"
        else:
            died = f"worker died {_how(code)} while checking {self.job.label}{_last_words(errors)}"
        place, call = place_in(errors), last_call(self.box)
        self.folder.cleanup()
        return Answer(self.job, self.index, seconds, died=died, call=call, place=place)

    def end(self, *, keep: bool = False) -> None:
        """End the process and what it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg") and self.ready and self.process.pid:
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.pipe.close()
        if not keep:
            self.folder.cleanup()

    def _errors(self) -> str:
        path = Path(self.folder.name, "stderr")
        return path.read_text(errors="replace") if path.exists() else ""


_STARTING_ONE = threading.Lock()


@contextlib.contextmanager
def _parenthood() -> Iterator[None]:
    """Let this process have children, also where it is daemonic, as the workers of Dask are.

    multiprocessing forbids it because such a process may end without ending its children. Ours end themselves then.
    """
    config: dict[str, Any] = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    with _STARTING_ONE:
        daemon = config.pop("daemon", None)
        try:
            yield
        finally:
            if daemon is not None:
                config["daemon"] = daemon


def _last_line(errors: str) -> str:
    return next((line for line in reversed(errors.splitlines()) if line.strip()), "")


def _last_words(errors: str) -> str:
    """The error that ended the process, where Python wrote one: `os._exit` and crashes of C code leave none."""
    return f": {_last_line(errors)}" if "Traceback (most recent call last)" in errors else ""


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            return f"with signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"with signal {-code}"
    return f"with exit status {code}"
