"""Jobs through any `concurrent.futures.Executor`, on this machine or on others: nothing is lost, whatever breaks."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Self

from gradlab.errors import SignatureError
from gradlab.verify.calls import describe
from gradlab.verify.confined import Job
from gradlab.verify.task import Task, end_idle, run_task
from gradlab.verify.workers import Answer, Pool


class Elsewhere:
    """As `Pool`, on the workers of an executor, which stays open. A context manager.

    Each task runs its job in a worker process of its own beside the executor's, so that code under test which ends or
    hangs its process takes nothing with it. What the executor itself loses (its process was killed, its network broke)
    is run again at the end on this machine, one job at a time, each in a process that only it can break.
    """

    def __init__(self, executor: Executor, *, timeout: float = 60.0, memory: float | None = None) -> None:
        self.executor, self.timeout, self.memory = executor, timeout, memory

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        end_idle()  # of an executor of threads; those of other processes end after a while

    def run(self, jobs: Sequence[Job]) -> Iterator[Answer]:
        """The answers, each as soon as it is known; `Answer.index` is the job's place in `jobs`.

        Raises SignatureError for a job that cannot be sent, before anything runs.
        """
        tasks = [self._task(job) for job in jobs]
        futures: dict[Future[Answer], int] = {}
        lost: list[tuple[int, str]] = []
        try:
            for index, task in enumerate(tasks):
                try:
                    futures[self.executor.submit(run_task, task)] = index
                except BrokenExecutor as error:
                    lost.append((index, describe(error)))
                except RuntimeError as error:  # as every executor says that it was shut down
                    text = f"executor={self.executor!r} takes no work: {error}; pass an open one"
                    raise SignatureError(text) from error
            for future in as_completed(futures):
                index = futures[future]
                failed = _error(future)
                if failed is None:
                    yield replace(future.result(), job=jobs[index], index=index)
                elif isinstance(failed, KeyboardInterrupt):
                    raise failed
                else:
                    lost.append((index, describe(failed)))
        finally:
            for future in futures:
                future.cancel()
        yield from _here(jobs, tasks, lost)

    def _task(self, job: Job) -> Task:
        folders = (str(Path.cwd()), *filter(None, sys.path))
        return Task(job.label, pickled(job), job.group, self.timeout, self.memory, folders)


def pickled(job: Job) -> bytes:
    """The job as it travels; raises SignatureError where it holds what cannot."""
    try:
        return pickle.dumps(job)
    except Exception as error:  # pickle raises whatever it meets
        text = f"{job.label} cannot be sent to another process ({describe(error)})"
        raise SignatureError(f"{text}; use functions of a module, by name, rather than lambdas or methods") from error


def _error(future: Future[Answer]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError as error:
        return error


def _here(jobs: Sequence[Job], tasks: Sequence[Task], lost: Sequence[tuple[int, str]]) -> Iterator[Answer]:
    executor: ProcessPoolExecutor | None = None
    try:
        for index, reason in sorted(lost):
            executor = executor or ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
            try:
                answer = executor.submit(run_task, tasks[index]).result()
            except BrokenExecutor:
                executor.shutdown(wait=False)
                executor = None
                died = f"worker died together with the process around it while checking {jobs[index].label}, twice"
                yield Answer(jobs[index], index, 0.0, died=f"{died} (first: {reason})")
                continue
            yield replace(answer, job=jobs[index], index=index, lost=reason)
    finally:
        if executor is not None:
            executor.shutdown(cancel_futures=True)


def runner(executor: Executor | int, *, timeout: float = 60.0, memory: float | None = None) -> Pool | Elsewhere:
    """Something that runs jobs: worker processes of this machine for a number, else the executor.

    Raises SignatureError for anything else.
    """
    if isinstance(executor, int) and not isinstance(executor, bool) and executor > 0:
        return Pool(executor, timeout=timeout, memory=memory)
    if isinstance(executor, Executor):
        return Elsewhere(executor, timeout=timeout, memory=memory)
    raise SignatureError(
        f"executor={executor!r} runs nothing; pass a concurrent.futures.Executor, or a number of worker processes"
    )
