import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.verify.confined import Job, place_in
from gradlab.verify.watch import BOX_BYTES, Watch, last_call
from gradlab.verify.workers import Answer, Pool
from tests.verify import course

ROOT = Path(__file__).parent.parent.parent

needs_signals = pytest.mark.skipif(os.name == "nt", reason="signals")


def run(*jobs: Job, count: int = 1, timeout: float = 30, memory: float | None = None) -> list[Answer]:
    """All answers, in the order of the jobs."""
    with Pool(count, timeout=timeout, memory=memory) as pool:
        return sorted(pool.run(jobs), key=lambda answer: answer.index)


def job(function: Any, *arguments: Any, group: str = "") -> Job:
    """A job named after its function."""
    return Job(function.__name__, function, arguments, group)


@needs_signals
def test_a_dead_worker_is_replaced() -> None:
    """Exit, signal, exit status and error: each job has its answer, and the jobs around them theirs."""
    answers = run(
        job(os.getpid),
        job(os._exit, 3),
        job(os.getpid),
        job(os.kill, 0, signal.SIGKILL),
        job(sys.exit, 4),
        job(int, "x"),
        job(os.getpid),
    )
    assert [answer.died for answer in answers] == [
        "",
        "worker died with exit status 3 while checking _exit",
        "",
        "worker died with signal 9 (SIGKILL) while checking kill",
        "SystemExit: 4",
        "ValueError: invalid literal for int() with base 10: 'x'",
        "",
    ]
    first, second, third = (answers[k].value for k in (0, 2, 6))
    assert len({first, second, third, os.getpid()}) == 4


def test_time_limit() -> None:
    """A job without end is stopped at its limit; the next one gets a worker of its own."""
    start = time.monotonic()
    slow, after = run(job(time.sleep, 60), job(abs, -2), timeout=1)
    assert slow.died == "no end after 1 s while checking sleep; the worker was stopped"
    assert 1 <= slow.seconds < 20
    assert after.value == 2
    assert time.monotonic() - start < 30


def test_side_by_side() -> None:
    """Two jobs run at once, and answers come as they are known."""
    with Pool(2) as pool:
        list(pool.run([job(abs, 1), job(abs, 2)]))  # both have started
        order = [answer.job.arguments[0] for answer in pool.run([job(time.sleep, 1.0), job(time.sleep, 0.5)])]
    assert order == [0.5, 1.0]


def test_groups_do_not_share_a_process() -> None:
    """Two files that import modules of one name do not meet; jobs of one file share what it imported."""
    answers = run(job(os.getpid, group="a"), job(os.getpid, group="a"), job(os.getpid, group="b"))
    first, second, third = (answer.value for answer in answers)
    assert first == second != third


@pytest.mark.skipif(not os.path.exists("/proc"), reason="the limit is counted by Linux")  # noqa: PTH110
def test_memory_limit() -> None:
    """More than the limit is a MemoryError in the job, not the end of the machine."""
    (answer,) = run(job(np.ones, 1 << 29), memory=2)
    assert answer.died.startswith("MemoryError: Unable to allocate 4.00 GiB")


def test_printed_output_is_kept() -> None:
    """Standard output of a job comes back with its answer, and only its own."""
    first, second = run(job(print, "one", 1), job(print, "two"))
    assert (first.printed, second.printed) == ("one 1\n", "two\n")


def test_bad_input_is_told_apart() -> None:
    """gradlab's own errors are refusals, to be shown as they are."""
    (answer,) = run(job(gradlab.real, 3, 2))
    assert answer.refused == "real: minimum=3 is above maximum=2; swap the two bounds"


@needs_signals
def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    """A process that is killed cannot end its workers; they end themselves, in the middle of a job."""
    program = (
        "import sys, time\nfrom gradlab.verify.confined import Job\nfrom gradlab.verify.workers import Pool\n"
        "from tests.verify.hostile import notes_pid\n"
        "with Pool(1) as pool: list(pool.run([Job('sleep', notes_pid, (sys.argv[1],))]))"
    )
    noted = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", program, str(noted)], cwd=ROOT) as parent:
        worker = int(waited_for(lambda: noted.read_text() if noted.exists() else ""))
        parent.kill()
    waited_for(lambda: not alive(worker))


def waited_for(condition: Callable[[], Any]) -> Any:
    """What the condition gives, once it gives something; within a minute."""
    limit = time.monotonic() + 60
    while not (found := condition()) and time.monotonic() < limit:
        time.sleep(0.05)
    assert found
    return found


def alive(pid: int) -> bool:
    """True while there is such a process that has not ended, reaped or not."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


# The watch -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda: np.seterr(all="raise"), "np.seterr"),
        (lambda: warnings.simplefilter("once"), "warnings.filters"),
        (lambda: os.chdir("/"), "the working directory"),
    ],
)
def test_global_state_is_watched_and_put_back(change: Any, name: str) -> None:
    """A backward that changes it is a failure, an import that does a note; afterwards it is as it was."""
    before = np.geterr(), list(warnings.filters), os.getcwd()  # noqa: PTH109
    watch = Watch()
    for phase, severity in (("backward", "failure"), ("import", "note")):
        with watch.during(phase):
            change()
        (found,) = watch.findings()
        assert (found["severity"], str(found["claim"]).partition("; ")[0]) == (
            severity,
            f"{phase} changes {name} for the whole process",
        )
        assert (np.geterr(), list(warnings.filters), os.getcwd()) == before  # noqa: PTH109


def test_torch_default_dtype_is_watched() -> None:
    """Where torch is loaded."""
    torch = pytest.importorskip("torch")
    watch = Watch()
    with watch.during("forward"):
        torch.set_default_dtype(torch.float64)
    assert [found["claim"] for found in watch.findings()] == [
        "forward changes torch's default dtype for the whole process; pass dtype= instead"
    ]
    assert torch.get_default_dtype() == torch.float32


def test_seed_functions_are_watched() -> None:
    """A call from the code under test is noted; Hypothesis' own are not."""
    called: list[Any] = []
    watch = Watch()
    seed = watch.seed_wrapper("NumPy's global seed", called.append)
    seed(1)
    assert watch.findings() == []
    with watch.during("forward"):
        seed(2)
    assert [found["claim"] for found in watch.findings()] == [
        "forward changes NumPy's global seed for the whole process; "
        "draw from np.random.default_rng(seed), or take the random array as an argument"
    ]
    assert called == [1, 2]


def test_watched_subject_is_judged_the_same() -> None:
    """Watching changes no verdict, and leaves a clean subject without findings."""
    subject = gradlab.from_cached(lambda x: (x * x, x), lambda grad_output, x: (2 * x * grad_output,))
    watch = Watch()
    forward, backward = watch.subject(subject, ("x",))
    assert gradlab.check(forward, backward, "(n)->(n)", names=("x",), profile="quick", seed=1).verdict == "pass"
    assert watch.findings() == []


@pytest.mark.parametrize("size", [3, 1 << 20])
def test_last_call(size: int) -> None:
    """The call that ran is in the box: its arrays where they fit, else their shapes."""
    watch = Watch(box=bytearray(BOX_BYTES))
    subject = watch.subject(gradlab.from_cached(course.square, course.right), ("x",))
    assert last_call(watch.box) is None
    with pytest.raises(ValueError, match="unpack"):
        subject.forward([np.arange(float(size))], {})
    call = last_call(watch.box)
    assert call is not None
    assert call.half == "forward"
    ((name, shown),) = call.arrays
    assert name == "x"
    if size == 3:
        np.testing.assert_array_equal(shown, [0, 1, 2])
    else:
        assert shown == f"float64 array of shape ({size},)"


def test_place() -> None:
    """The newest frame of the reader's own, in both orders that Python prints."""
    newest_first = (
        'Current thread 0x1 (most recent call first):\n  File "/home/me/a.py", line 12 in inner\n'
        '  File "/home/me/a.py", line 3 in outer\n'
    )
    newest_last = (
        "Traceback (most recent call last):\n"
        f'  File "{np.__file__}", line 1, in array\n'
        '  File "/home/me/a.py", line 3, in <module>\n    f()\n  File "/home/me/b.py", line 7, in f\n'
    )
    assert place_in(newest_first) == "a.py:12 in inner"
    assert place_in(newest_last) == "b.py:7 in f"
    assert place_in("nothing") == ""
