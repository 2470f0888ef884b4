"""A test command of the user's, run on mutants: their file is served from elsewhere and never written."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradlab.errors import SignatureError
from gradlab.mutate.outcome import Verdict

_OVERLAY = Path(__file__).parent / "overlay"

# A mutant may take so many times the clean run, and some seconds more for a machine that has other things to do.
_TIMES, _MORE = 5.0, 5.0


@dataclass
class Command:
    """`words` as they follow `--`; `path` is the file that is mutated. `timeout` is in seconds for each mutant."""

    words: Sequence[str]
    path: str
    timeout: float | None = None
    running: set[subprocess.Popen[bytes]] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: bool = False

    def __post_init__(self) -> None:
        # `pytest` of the environment that gradlab runs in, also where that is not activated.
        beside = os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
        found = shutil.which(self.words[0], path=beside)
        if found is None:
            raise SignatureError(f"{self.words[0]}: command not found; write: gradlab mutate TARGET -- COMMAND …")
        self.words = [found, *self.words[1:]]

    def __str__(self) -> str:
        return shlex.join([Path(self.words[0]).name, *self.words[1:]])

    def clean(self, text: str) -> float:
        """Run on the unchanged text and set the time limit; returns the seconds.

        Raises SignatureError where the command fails, or never imports the file: it then says nothing about mutants.
        """
        start = time.monotonic()
        status, output, marks = self._run(text, self.timeout)
        seconds = time.monotonic() - start
        if status is None:
            raise SignatureError(f"`{self}` did not end within {self.timeout:g} s without any mutation; see --timeout")
        if status:
            raise SignatureError(
                f"`{self}` fails without any mutation ({_how(status)}); let it pass first. It ends:\n{_tail(output)}"
            )
        if "served" not in marks:
            raise SignatureError(
                f"`{self}` passes without importing {self.path}, so that no mutant could be noticed; "
                "is another copy of it installed?"
            )
        if self.timeout is None:
            self.timeout = _TIMES * seconds + _MORE
        return seconds

    def judge(self, text: str) -> Verdict:
        """Run on a mutant's text."""
        status, output, marks = self._run(text, self.timeout)
        if status is None:
            return Verdict("timed out", f"no end after {self.timeout:.3g} s")
        if "began" in marks and "ended" not in marks:
            return Verdict("invalid", f"could not be imported: {_reason(output)}")
        return Verdict("killed", f"{_how(status)}: {_reason(output)}") if status else Verdict("survived")

    def stop(self) -> None:
        """End what runs, and let nothing start any more."""
        with self.lock:
            self.stopped = True
            for process in self.running:
                _end(process)

    def _run(self, text: str, timeout: float | None) -> tuple[int | None, str, set[str]]:
        """Exit status (None after the time limit), the output, and how far the import came."""
        with tempfile.TemporaryDirectory(prefix="gradlab-mutant-", ignore_cleanup_errors=True) as folder:
            Path(folder, "text").write_text(text, encoding="utf-8")
            with Path(folder, "output").open("wb") as output:
                status = self._wait(self._environment(folder), output.fileno(), timeout)
            found = Path(folder, "output").read_text(encoding="utf-8", errors="replace")
            return status, found, {item.name for item in Path(folder).iterdir()}

    def _wait(self, environment: dict[str, str], output: int, timeout: float | None) -> int | None:
        with self.lock:
            if self.stopped:
                return None
            process = subprocess.Popen(
                self.words,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that what it starts ends with it, and Ctrl-C is ours
            )
            self.running.add(process)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process)
            with self.lock:
                self.running.discard(process)

    def _environment(self, folder: str) -> dict[str, str]:
        """Paths to the mutant, and places of their own for what pytest and Hypothesis remember of failures."""
        old = os.environ
        cache = shlex.quote(f"cache_dir={folder}/pytest")
        return {
            **old,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_OVERLAY), old.get("PYTHONPATH")))),
            "GRADLAB_MUTANT_FILE": os.path.realpath(self.path),
            "GRADLAB_MUTANT_FOLDER": folder,
            "HYPOTHESIS_STORAGE_DIRECTORY": f"{folder}/hypothesis",
            "PYTEST_ADDOPTS": f"{old.get('PYTEST_ADDOPTS', '')} -o {cache}".strip(),
        }


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
        process.wait()


def _how(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"died with signal {-status}"


def _tail(output: str) -> str:
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-8:]) or "  (no output)"


def _reason(output: str) -> str:
    """The line that says most: of pytest the first failure, else the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    return (told or lines[-1:] or ["no output"])[0][:160]
