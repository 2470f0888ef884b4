"""Checks through a real local Dask cluster of two worker processes, of which one is killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradlab.adapters.dask import dask_executor
from gradlab.cli import main
from gradlab.errors import SignatureError
from gradlab.verify.flat import FlatRow
from gradlab.verify.many import Check, verify_many

distributed = pytest.importorskip("distributed")

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """For tests that can do with one worker: the first kills the other, which a busy machine may not see again."""
    yield from _two_workers()


@pytest.fixture
def fresh_cluster() -> Iterator[Any]:
    """One of its own for a test."""
    yield from _two_workers()


def _two_workers() -> Iterator[Any]:
    """Two worker processes; a task that was on a worker that died twice is given up."""
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs=50
        ) as running,
    ):
        yield running


def plain(flat: FlatRow) -> dict[str, Any]:
    """What a row says, but for the time it took."""
    return {key: value for key, value in flat.data.items() if key != "seconds"}


def check(forward: str, label: str, backward: str = "tests.verify.course:right") -> Check:
    """A check of a function of `tests.verify.hostile`."""
    return Check(f"tests.verify.hostile:{forward}", backward, "(n)->(n)", {"names": ("x",)}, label)


def test_a_worker_is_killed(cluster: Any) -> None:
    """Nothing is lost, every row is there once, and the same as on this machine with the same seed."""
    checks = [check("slow", f"check {k}") for k in (0, 2)]
    checks += [
        Check("tests.verify.course:square", "tests.verify.course:doubled", "(n)->(n)", {"names": ("x",)}, f"check {k}")
        for k in (1, 3)
    ]
    with dask_executor(cluster.scheduler_address) as executor:
        victim = next(iter(cluster.workers.values())).pid
        found = []
        for flat in verify_many(checks, executor=executor, profile="quick", seed=5, timeout=300):
            if not found:
                os.kill(victim, signal.SIGKILL)
            found.append(flat)
    assert sorted(flat.row.operation for flat in found) == [f"check {k}" for k in range(4)]
    here = list(verify_many(checks, executor=2, profile="quick", seed=5, timeout=300))
    by_name = {flat.row.operation: flat for flat in here}
    for flat in found:
        assert plain(flat) == plain(by_name[flat.row.operation])
        assert flat.row.verdict == ("pass" if int(flat.row.operation[-1]) % 2 == 0 else "fail")


def test_command_line(cluster: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`--executor` has the rows of `-n`, for a file that lies in a folder of its own."""
    (tmp_path / "mine.py").write_text(
        "def double(x): return 2 * x\ndef double_backward(grad_output, x): return 2 * abs(grad_output)\n"
        "gradlab_spec = {'double': {'signature': '(n)->(n)'}}\n"
    )
    rows = []
    for where in (["--executor", f"dask:{cluster.scheduler_address}"], ["-n", "1"]):
        path = tmp_path / f"{where[0]}.json"
        argv = ["verify", str(tmp_path / "mine.py"), "--profile=quick", "--seed=3"]
        assert main([*argv, f"--json={path}", *where]) == 1
        assert "mine.py:double" in capsys.readouterr().out
        rows.append([{**row, "seconds": 0} for row in json.loads(path.read_text())["rows"]])
    assert rows[0] == rows[1]
    assert [row["verdict"] for row in rows[0]] == ["fail"]


def test_a_check_that_kills_every_worker(cluster: Any) -> None:
    """It is a row of its own, and the others come back; one that only ends its own process is isolated as ever."""
    checks = [
        check("kills_parent", "killer"),
        check("slow", "innocent"),
        check("slow", "leaves", "tests.verify.hostile:exits"),
    ]
    with dask_executor(cluster.scheduler_address) as executor:
        found = list(verify_many(checks, executor=executor, profile="quick", seed=5, timeout=300))
    rows = {flat.row.operation: flat.row for flat in found}
    assert set(rows) == {"killer", "innocent", "leaves"}
    assert rows["innocent"].verdict == "pass"
    assert rows["leaves"].reason.startswith("worker died with exit status 3 while checking leaves")
    assert rows["killer"].verdict == "fail"
    assert rows["killer"].reason.startswith(
        "worker died together with the process around it while checking killer, twice (first: KilledWorker: "
    )


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("localhost", "dask:localhost: 'localhost' is no address; write dask:tcp://HOST:PORT"),
        ("", "dask:: '' is no address; write dask:tcp://HOST:PORT"),
        ("tcp://127.0.0.1:{free}", "dask:tcp://127.0.0.1:{free}: no scheduler answers there (Connection refused); "),
    ],
)
def test_no_scheduler(address: str, message: str) -> None:
    """One line that begins with what was given and ends with what to do."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    with pytest.raises(SignatureError) as caught, dask_executor(address.format(free=free)):
        pass
    assert str(caught.value).startswith(message.format(free=free))


def test_without_dask() -> None:
    """One line with the pip command."""
    code = (
        "import sys; sys.modules['distributed'] = None\n"
        "from gradlab.cli import main\n"
        "sys.exit(main(['verify', 'relu', '--executor', 'dask:tcp://127.0.0.1:8786']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == "gradlab: distributed is not installed (pip install 'gradlab[dask]')"


# The function that hangs keeps its worker until the cluster is closed, or its time is up.
def test_interrupt_prints_what_is_done(fresh_cluster: Any, tmp_path: Path) -> None:
    """Ctrl-C while a function hangs on a worker: the rows before it are printed; the cluster stays."""
    (tmp_path / "slow.py").write_text(
        "import pathlib, time\ndef good(x): return x\ndef good_backward(grad_output, x): return grad_output.copy()\n"
        "def hangs(x):\n    while not pathlib.Path('good done').exists(): time.sleep(0.01)\n"
        "    pathlib.Path('started').touch()\n    time.sleep(600)\n"
        "def hangs_backward(grad_output, x): return x\n"
        "gradlab_spec = {name: {'signature': '(n)->(n)'} for name in ('good', 'hangs')}\n"
    )
    with distributed.Client(fresh_cluster.scheduler_address) as client:
        before = set(client.scheduler_info()["workers"])
    assert len(before) == 2
    command = [sys.executable, "-c", _INTERRUPTED, "verify", "slow.py", "--profile=quick", "--seed=1"]
    command += [f"--executor=dask:{fresh_cluster.scheduler_address}", "--timeout=60"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout.splitlines()[-1] == "interrupted; gradients: 1 pass; profile quick, seed 1"
    with distributed.Client(fresh_cluster.scheduler_address) as client:
        workers = client.scheduler_info()["workers"]
        assert set(workers) == before
        # One of them is busy for the rest of its time.
        answers = [client.submit(abs, -1, workers=[worker], pure=False) for worker in workers]
        done = distributed.wait(answers, timeout=60, return_when="FIRST_COMPLETED").done
        assert [answer.result() for answer in done] == [1]


# The command, with a thread that sends it Ctrl-C once the first row is there and the other function runs.
_INTERRUPTED = """
import os, pathlib, signal, sys, threading, time
from gradlab.cli import main, verify

table = verify._table

def noticed(placed):
    for item in placed:
        yield item
        pathlib.Path("good done").touch()

def interrupt():
    while not pathlib.Path("started").exists():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

verify._table = lambda placed: table(noticed(placed))
threading.Thread(target=interrupt, daemon=True).start()
sys.exit(main(sys.argv[1:]))
"""
