"""The worker's side: one process that runs jobs, its output kept in files, its memory and its time bounded."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import re
import signal
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

from gradlab.errors import GradlabError


@dataclass(frozen=True, slots=True)
class Job:
    """A call to make in a worker: an importable function and picklable arguments, giving a picklable value.

    Jobs of one `group` may share a process (they import the same file); others get a fresh one.
    """

    label: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    group: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """How a job ended: with its value, an error of gradlab's for bad input, or any other error; and what it printed.

    `spent`: it left threads or processes running, so that this worker should serve no other.
    """

    kind: Literal["value", "refused", "raised"]
    value: Any
    printed: str = ""
    spent: bool = False


def serve(pipe: Connection, box: Any, folder: str, timeout: float, memory: float | None) -> None:
    """Run jobs from the pipe until it closes. Says "ready" once everything slow is imported."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who then ends us
    if hasattr(os, "setsid"):
        os.setsid()  # so that what the code under test starts can be ended with us
    output, errors = Path(folder, "stdout"), Path(folder, "stderr")
    _redirect(output, errors)
    faulthandler.enable()
    threading.Thread(target=_end_with_parent, name="gradlab", daemon=True).start()
    import hypothesis.strategies

    from gradlab.verify import check, watch

    del check, hypothesis  # imported for the time it takes, which is not the job's
    watch.WATCH.box = box
    watch.watch_seeds()
    limit_memory(memory)
    pipe.send("ready")
    while True:
        try:
            job: Job = pipe.recv()
        except EOFError:
            return
        for path in (output, errors):
            os.truncate(path, 0)  # nothing of the job before
        watch.WATCH.forget()
        own = os.getpid()
        # Prints where the code hangs, then ends this process: that works inside C code, and without a parent too.
        faulthandler.dump_traceback_later(timeout, exit=True)
        reply = _run(job)
        if os.getpid() != own:
            os._exit(0)  # the code under test forked, and its child came back as well: one of them answers
        faulthandler.cancel_dump_traceback_later()
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or no stream at all
            sys.stdout.flush()
        printed = _beginning(output)
        _redirect(output, errors)  # whatever became of the streams
        pipe.send(Reply(reply.kind, reply.value, printed, bool(watch.WATCH.left())))


def _redirect(output: Path, errors: Path) -> None:
    """Python's streams and the descriptors under them, into files: crashes of C code write to the latter."""
    for descriptor, path in ((1, output), (2, errors)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        if opened != descriptor:  # it is, where the code under test had closed it
            os.dup2(opened, descriptor)
            os.close(opened)
        os.set_inheritable(descriptor, True)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None or stream.closed or stream is not getattr(sys, f"__{name}__"):
            stream = open(descriptor, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def _beginning(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(4096).decode(errors="replace")
    except OSError:  # the code under test removed it
        return ""


def _end_with_parent() -> None:
    """A parent that is killed cannot end us; we would go on for a job that is run elsewhere by now."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)  # with what the code under test started
    os._exit(1)


def _run(job: Job) -> Reply:
    try:
        return Reply("value", job.function(*job.arguments))
    except GradlabError as error:
        return Reply("refused", str(error))
    except BaseException as error:  # sys.exit() in the code under test raises SystemExit
        traceback.print_exc()
        text = " ".join(str(error).split())
        return Reply("raised", f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__)


def limit_memory(gibibytes: float | None) -> None:
    """Let this process allocate so much more than it has; a MemoryError stops it there. Does nothing on Windows.

    RLIMIT_DATA where the kernel counts it: RLIMIT_AS counts the gigabytes that torch's libraries map but never use.
    """
    if gibibytes is None:
        return
    try:
        import resource
    except ImportError:
        return
    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    limit = int(gibibytes * (1 << 30))
    try:
        resource.setrlimit(kind, (limit, resource.getrlimit(kind)[1]))
    except (ValueError, OSError) as error:
        print(f"no memory limit: {error}", file=sys.stderr)


def place_in(text: str) -> str:
    """The newest frame that is neither Python's, a library's nor gradlab's: "course.py:12 in backward"."""
    own = (str(Path(__file__).parent.parent), *(sysconfig.get_paths()[key] for key in ("stdlib", "purelib", "platlib")))
    frames = re.findall(r'File "(.+?)", line (\d+),? in (\S+)', text)
    theirs = [frame for frame in frames if not frame[0].startswith(own) and not frame[0].startswith("<")]
    # faulthandler shows the newest call first, a traceback last; the newest of theirs is what is wanted.
    if not theirs:
        return ""
    path, line, name = theirs[0] if "most recent call first" in text else theirs[-1]
    return f"{Path(path).name}:{line} in {name}"
