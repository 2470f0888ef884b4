"""The folder of a run: config.json, metrics.csv, checkpoint.safetensors, curves.png, summary.md."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demos.errors import FolderError

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One evaluation: `step` counts finished steps; train is the last mini-batch, test the whole set."""

    step: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float
    """Time of training so far, without evaluation."""


class RunFolder:
    """A run's files. `config["options"]` and `config["data"]` say what the run is; the rest of it is for the record.

    Raises FolderError where the folder holds another run, or this one and `resume` is not set.
    """

    def __init__(self, path: Path, config: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        if not path.exists() or not any(path.iterdir()):
            path.mkdir(parents=True, exist_ok=True)
            replace(path / "config.json", json.dumps(config, indent=2).encode())
            return
        if not (path / "config.json").is_file():
            raise FolderError(f"{path} holds other files; give --output an empty or a new folder")
        try:
            stored = json.loads((path / "config.json").read_text())
        except ValueError as error:
            raise FolderError(f"{path / 'config.json'} is damaged ({error}); give --output a new folder") from error
        if not resume:
            raise FolderError(f"{path} holds a run; give --resume to go on with it, or --output another folder")
        if differences := _differences(stored, json.loads(json.dumps(config))):
            raise FolderError(
                f"{path} holds another run ({'; '.join(differences)}); give the same options, or --output"
            )

    def rows(self) -> list[Row]:
        """The evaluations so far."""
        if not self._metrics.is_file():
            return []
        with self._metrics.open(newline="") as file:
            return [
                Row(int(row["step"]), *(float(row[f.name]) for f in fields(Row)[1:])) for row in csv.DictReader(file)
            ]

    def record(self, row: Row) -> None:
        """Add an evaluation."""
        new = not self._metrics.is_file()
        with self._metrics.open("a", newline="") as file:
            writer = csv.DictWriter(file, [f.name for f in fields(Row)])
            if new:
                writer.writeheader()
            writer.writerow(asdict(row))
            file.flush()
            os.fsync(file.fileno())

    def checkpoint(self, step: int, state: Mapping[str, Array]) -> None:
        """Keep the state after so many steps, in place of the one before."""
        from safetensors.numpy import save

        # safetensors writes the bytes as they lie: those of a tensor with channels last would be read in another order.
        arrays = {name: np.asarray(array, order="C") for name, array in state.items()}
        replace(self._checkpoint, save(arrays, metadata={"step": str(step)}))

    def restore(self) -> tuple[int, dict[str, Array]] | None:
        """The last checkpoint, or None. Evaluations after it, from a run that was killed, are forgotten."""
        from safetensors import SafetensorError, safe_open

        if not self._checkpoint.is_file():
            self._metrics.unlink(missing_ok=True)
            return None
        try:
            with safe_open(self._checkpoint, framework="numpy") as file:
                step = int(file.metadata()["step"])
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        except SafetensorError as error:
            raise FolderError(f"{self._checkpoint} is damaged ({error}); delete it to start anew") from error
        rows = [row for row in self.rows() if row.step <= step]
        self._metrics.unlink(missing_ok=True)
        for row in rows:
            self.record(row)
        return step, state

    def keep(self, name: str, content: bytes) -> None:
        """Write a file of the run in one piece, in place of the one before."""
        replace(self.path / name, content)

    @property
    def _metrics(self) -> Path:
        return self.path / "metrics.csv"

    @property
    def _checkpoint(self) -> Path:
        return self.path / "checkpoint.safetensors"


def replace(path: Path, content: bytes) -> None:
    """Write a file so that it is the old one or the new one, whenever the machine stops."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Sequence[str]:
    found = []
    for part in ("options", "data"):
        before, now = stored.get(part, {}), wanted.get(part, {})
        found += [
            f"{k}: {before.get(k)} there, {now.get(k)} here" for k in {**before, **now} if before.get(k) != now.get(k)
        ]
    return found
