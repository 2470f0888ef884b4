"""What runs beside the main thread."""

import multiprocessing
import sys
import threading
import time
from pathlib import Path

import pytest

from gradlab.verify import leftovers


def test_threads_and_processes_are_named() -> None:
    """A thread and a child process are seen while they run, and no longer."""
    before = leftovers.running()
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="slow", daemon=True)
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    thread.start()
    process.start()
    found = [name for key, name in leftovers.running().items() if key not in before]
    assert "thread 'slow'" in found
    assert any(name.startswith("process ") for name in found)
    over.set()
    thread.join()
    process.kill()
    process.join()
    assert "thread 'slow'" not in leftovers.running().values()
    assert ("process", process.pid) not in leftovers.running()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_a_thread_that_ends_meanwhile_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the list of threads and what the system says of one, that one may end; on a busy machine it does."""
    glob = Path.glob
    gone = Path("/proc/self/task/1073741824/children")
    monkeypatch.setattr(Path, "glob", lambda path, pattern: [gone, *glob(path, pattern)])
    assert isinstance(leftovers.running(), dict)
