"""Threads and processes that a job leaves running."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path


def running() -> dict[object, str]:
    """What runs beside the main thread of this process, by an identity, each with a name to show."""
    found: dict[object, str] = {}
    for thread in threading.enumerate():
        # Threads that Python did not start, such as torch's, are dummies: their library ends them.
        if thread is not threading.main_thread() and not isinstance(thread, threading._DummyThread):
            found["thread", thread.ident] = f"thread {thread.name!r}"
    for pid, name in _children().items():
        found["process", pid] = f"process {name!r}"
    return found


def _children() -> dict[int, str]:
    lists = list(Path("/proc/self/task").glob("*/children"))
    if not lists:
        return {child.pid or 0: child.name for child in multiprocessing.active_children()}
    found: dict[int, str] = {}
    for pid in (int(word) for path in lists for word in _read(path).split()):
        name, _, state = _read(Path(f"/proc/{pid}/stat")).partition("(")[2].rpartition(") ")
        if state and not state.startswith("Z"):  # Z: it has ended, and nobody has asked how
            found[pid] = name
    return found


def _read(path: Path) -> str:
    """What the system says of a thread or a process; nothing where it has ended meanwhile, as a watchdog's may have."""
    try:
        return path.read_text()
    except OSError:
        return ""
