"""Functions that harm their process, importable by the workers that check them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def slow(x: Array) -> Array:
    """x * x, long enough to be interrupted: a quick check takes about half a second."""
    time.sleep(0.0001)
    return x * x


def kills_parent(x: Array) -> Array:
    """Ends the process that started its worker."""
    os.kill(os.getppid(), signal.SIGKILL)
    return x * x


def exits(grad_output: Array, x: Array) -> Array:
    """Ends its own process."""
    os._exit(3)


def sets_variable(x: Array) -> Array:
    """Changes what other functions may read."""
    os.environ["OMP_NUM_THREADS"] = str(len(x) + 7)
    return x * x


def extends_path(x: Array) -> Array:
    """Puts a folder where every later import looks first."""
    sys.path.insert(0, f"/nowhere/{len(sys.path)}")
    return x * x


def replaces_stdout(x: Array) -> Array:
    """Closes standard output, as some loggers do."""
    sys.stdout.close()
    return x * x


def rounds_prints(x: Array) -> Array:
    """Changes how arrays are printed."""
    np.set_printoptions(precision=2)
    return x * x


def handles_signals(x: Array) -> Array:
    """Takes Ctrl-C away."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return x * x


def draws_numpy(x: Array) -> Array:
    """Draws, though the number is not used."""
    np.random.normal()  # noqa: NPY002 - the fault
    return x * x


def draws_random(x: Array) -> Array:
    """The same with Python's own generator."""
    random.random()
    return x * x


def starts_thread(x: Array) -> Array:
    """Leaves a thread behind, once."""
    if not any(thread.name == "left behind" for thread in threading.enumerate()):
        threading.Thread(target=time.sleep, args=(600,), name="left behind", daemon=True).start()
    return x * x


_STARTED: list[object] = []


def starts_process(x: Array) -> Array:
    """Leaves a process behind, once."""
    if not _STARTED:
        _STARTED.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]))
    return x * x


def forks(x: Array) -> Array:
    """Forks, once; both processes come back, the child late enough to be seen."""
    if not _STARTED:
        _STARTED.append(os.fork())
        time.sleep(0 if _STARTED[0] else 5)
    return x * x


def notes_pid(path: str) -> None:
    """Writes down which process it runs in, and stays."""
    Path(path).with_suffix(".part").write_text(str(os.getpid()))
    Path(path).with_suffix(".part").rename(path)
    time.sleep(600)
