"""The worker's side: one process that runs jobs, its output kept in files, its memory and its time bounded."""

from __future__ import annotations

import faulthandler
import os
import re
import signal
import sys
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
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
    """How a job ended: with its value, an error of gradlab's for bad input, or any other error; and what it printed."""

    kind: Literal["value", "refused", "raised"]
    value: Any
    printed: str = ""


def serve(pipe: Connection, box: Any, folder: str, timeout: float, memory: float | None) -> None:
    """Run jobs from the pipe until it closes. Says "ready" once everything slow is imported."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who then ends us
    if hasattr(os, "setsid"):
        os.setsid()  # so that what the code under test starts can be ended with us
    output, errors = Path(folder, "stdout"), Path(folder, "stderr")
    for descriptor, path in ((1, output), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    faulthandler.enable()
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
        # Prints where the code hangs, then ends this process: that works inside C code, and without a parent too.
        faulthandler.dump_traceback_later(timeout, exit=True)
        reply = _run(job)
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.flush()
        with output.open("rb") as stream:
            printed = stream.read(4096).decode(errors="replace")
        pipe.send(Reply(reply.kind, reply.value, printed))


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
