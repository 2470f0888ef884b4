"""Jobs through executors of processes and threads, and many checks at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from gradlab.errors import SignatureError
from gradlab.verify.confined import Job
from gradlab.verify.elsewhere import Elsewhere, runner
from gradlab.verify.many import Check, verify_many
from gradlab.verify.registered import verify_operations
from gradlab.verify.workers import Answer
from tests.verify import course, hostile

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


@pytest.fixture(params=["threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Two workers."""
    threads = request.param == "threads"
    with ThreadPoolExecutor(2) if threads else ProcessPoolExecutor(2, get_context("spawn")) as running:
        yield running


def answers(executor: Executor, *jobs: Job) -> list[Answer]:
    """All answers, in the order of the jobs."""
    with Elsewhere(executor, timeout=120) as running:
        return sorted(running.run(jobs), key=lambda answer: answer.index)


def test_isolation_is_the_same_everywhere(executor: Executor) -> None:
    """A job that ends its process, or raises, has its own answer; the executor's processes stay."""
    found = answers(
        executor,
        Job("exit", os._exit, (3,)),
        Job("abs", abs, (-2,)),
        Job("int", int, ("x",)),
        Job("print", print, ("one",)),
    )
    assert [(answer.value, answer.died, answer.lost, answer.printed) for answer in found] == [
        (None, "worker died with exit status 3 while checking exit", "", ""),
        (2, "", "", ""),
        (None, "ValueError: invalid literal for int() with base 10: 'x'", "", ""),
        (None, "", "", "one\n"),
    ]


def test_a_broken_pool_loses_nothing() -> None:
    """Jobs of a pool that one of them broke are run on this machine and say so; that one has an answer of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        killer = Job("kill", _kill_parent)
        found = answers(executor, Job("first", abs, (-1,)), killer, Job("after", abs, (-2,)))
    assert [answer.value for answer in found] == [1, None, 2]
    assert found[1].died.startswith(
        "worker died together with the process around it while checking kill, twice (first: BrokenProcessPool: "
    )
    assert (found[0].lost, found[2].lost.partition(":")[0]) == ("", "BrokenProcessPool")


def _kill_parent() -> None:
    os.kill(os.getppid(), signal.SIGKILL)


class _Cancelling(Executor):
    """Never runs anything, as a cluster whose scheduler is gone."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_cancelled_jobs_are_run_here() -> None:
    """A cluster that gives up its tasks costs time, not answers."""
    (found,) = answers(_Cancelling(), Job("abs", abs, (-2,)))
    assert (found.value, found.lost) == (2, "CancelledError")


CHECKS = [
    Check(course.square, course.right, "(n)->(n)", label="right"),
    Check("tests.verify.course:square", "tests.verify.course:doubled", "(n)->(n)", label="wrong"),
    Check(course.square, hostile.exits, "(n)->(n)", label="exits"),
    Check("nowhere:f", "nowhere:g", "(n)->(n)"),
    Check(course.square, course.right, "(n)->(m)", label="misdescribed"),
]


def test_many_checks_do_not_depend_on_the_executor(executor: Executor) -> None:
    """The same rows from threads, processes and this machine's own workers, one for each check, whatever it does."""
    found, here = (
        {flat.row.operation: flat for flat in verify_many(CHECKS, executor=how, profile="quick", seed=4)}
        for how in (executor, 2)
    )
    assert {name: flat.row.verdict for name, flat in found.items()} == {
        "right": "pass",
        "wrong": "fail",
        "exits": "fail",
        "nowhere:f": "fail",
        "misdescribed": "fail",
    }
    assert found["exits"].row.reason == "worker died with exit status 3 while checking exits"
    assert found["nowhere:f"].row.reason.startswith("'nowhere:f' names nothing here (No module named 'nowhere')")
    for name, flat in found.items():
        assert {**flat.data, "seconds": 0} == {**here[name].data, "seconds": 0}


def test_operations_do_not_depend_on_the_executor() -> None:
    """Registered operations have the rows and reports that they have in this process."""
    options: dict[str, Any] = {"backends": ("numpy",), "profile": "quick", "seed": 6}
    with ThreadPoolExecutor(2) as executor:
        found = list(verify_operations(["relu"], executor=executor, **options))
    here = list(verify_operations(["relu"], **options))
    by_name = {(row.operation, row.argument): {**row.as_dict(), "seconds": 0} for row in found}
    assert len(found) == len(here)
    for row in here:
        assert by_name[row.operation, row.argument] == {**row.as_dict(), "seconds": 0}


@pytest.mark.parametrize(
    ("check", "executor", "message"),
    [
        (
            Check(lambda x: x, course.right, "(n)->(n)", label="anonymous"),
            1,
            "anonymous cannot be sent to another process (",
        ),
        (
            Check(course.square, course.right, "(n)->(n)", {"dim": 1}),
            1,
            "tests.verify.course:square: gradlab.check has",
        ),
        ("course:square", 1, "'course:square' is not a check; write Check(forward, backward, signature"),
        (CHECKS[0], 0, "executor=0 runs nothing; pass a concurrent.futures.Executor, or a number of worker"),
        (CHECKS[0], True, "executor=True runs nothing; pass"),
    ],
)
def test_refused(check: Any, executor: Any, message: str) -> None:
    """Bad input is told before anything runs, with the remedy."""
    with pytest.raises(SignatureError) as caught:
        list(verify_many([check], executor=executor, profile="quick", seed=0))
    assert str(caught.value).startswith(message)


def test_a_closed_executor_is_refused() -> None:
    """An executor that was shut down takes no work, and says so."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(SignatureError, match=r"takes no work: cannot schedule new futures .*; pass an open one"):
        answers(executor, Job("abs", abs, (-2,)))


def test_interrupt_cancels_what_has_not_begun() -> None:
    """Leaving early ends the run, not the executor."""
    with ThreadPoolExecutor(1) as executor, runner(executor) as running:
        stream = running.run([Job(str(k), abs, (-k,)) for k in range(4)])
        assert next(iter(stream)).value is not None
        stream.close()  # type: ignore[attr-defined]
        assert executor.submit(abs, -1).result() == 1
