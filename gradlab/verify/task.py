"""What an executor runs: one job, in a worker process beside the executor's own, so that isolation is the same there.

Only this module and plain bytes reach the executor's process; the code under test is imported in the worker process.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from dataclasses import dataclass, field
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from gradlab.verify.confined import Job
from gradlab.verify.workers import Answer, Pool

# Starting a worker process takes a second, and most tasks of a run come one after the other.
_IDLE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Task:
    """A job on its way: `payload` is the pickled job, `group` and `label` what the pool must know of it.

    `folders` are the sender's working directory and its `sys.path`.
    """

    label: str
    payload: bytes
    group: str
    timeout: float
    memory: float | None
    folders: tuple[str, ...]


def run_task(task: Task) -> Answer:
    """The answer of a job. May be run twice: a job has no effect beside its answer."""
    shelf = _shelf()
    pool = shelf.take(task)
    try:
        (answer,) = pool.run([Job(task.label, _unpacked, (task.payload, task.folders), task.group)])
    except BaseException:
        pool.close()
        raise
    shelf.put(pool)
    return answer


def _unpacked(payload: bytes, folders: tuple[str, ...]) -> Any:
    # Code that lies in the same place on every machine is found there, as it is by the workers of one machine.
    there = [folder for folder in folders if Path(folder).exists()]
    if folders[0] in there:
        os.chdir(folders[0])
    sys.path.extend(folder for folder in there[1:] if folder not in sys.path)
    job: Job = pickle.loads(payload)
    return job.function(*job.arguments)


@dataclass(slots=True)
class _Shelf:
    """Pools of one worker that wait for the next task of this process, for a while."""

    pid: int
    pools: list[tuple[Pool, threading.Timer]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    older: _Shelf | None = None

    def take(self, task: Task) -> Pool:
        with self.lock:
            for entry in self.pools:
                pool, timer = entry
                if (pool.timeout, pool.memory) == (task.timeout, task.memory):
                    self.pools.remove(entry)
                    timer.cancel()
                    return pool
        return Pool(1, timeout=task.timeout, memory=task.memory)

    def put(self, pool: Pool) -> None:
        timer = threading.Timer(_IDLE_SECONDS, self.drop, (pool,))
        timer.daemon = True
        with self.lock:
            self.pools.append((pool, timer))
        timer.start()

    def drop(self, dropped: Pool | None = None) -> None:
        """End this pool, if it still waits; by default all that do."""
        with self.lock:
            gone = [entry for entry in self.pools if dropped is None or entry[0] is dropped]
            self.pools = [entry for entry in self.pools if entry not in gone]
        for pool, timer in gone:
            timer.cancel()
            pool.close()


_current: _Shelf | None = None


def _shelf() -> _Shelf:
    """The shelf of this process: one that was inherited by a fork holds processes that are not its children."""
    global _current
    if _current is None or _current.pid != os.getpid():
        _current = _Shelf(os.getpid(), older=_current)  # the older one is kept, lest its folders be cleaned up
        Finalize(None, _current.drop, exitpriority=10)
    return _current


def end_idle() -> None:
    """End the worker processes that wait for tasks in this process."""
    _shelf().drop()
