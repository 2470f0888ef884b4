"""Kernels on disk: written, or compared with what is there."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import gradlab.kernels
from gradlab.codegen.kernel import numpy_source, torch_source
from gradlab.symbolic.derive import Derivation

_SOURCES = {"numpy": numpy_source, "torch": torch_source}


@dataclass(frozen=True, slots=True)
class Change:
    """A kernel file that differs from what its definition gives; `diff` goes from the file to the new text."""

    path: Path
    diff: str


def kernels_folder() -> Path:
    """Where the generated kernels are: `gradlab/kernels` of the gradlab that runs."""
    return Path(next(iter(gradlab.kernels.__path__)))


def write(derivation: Derivation, folder: Path | None = None) -> tuple[Change, ...]:
    """Write the kernels of one operation where they differ; gives what has changed. Files are replaced whole."""
    changes = compare(derivation, folder)
    for change in changes:
        backend = change.path.parent.name
        temporary = change.path.with_suffix(".py.new")
        temporary.write_text(_SOURCES[backend](derivation), encoding="utf-8")
        temporary.replace(change.path)
    return changes


def compare(derivation: Derivation, folder: Path | None = None) -> tuple[Change, ...]:
    """The kernels of one operation that are missing, stale or edited by hand, as unified diffs."""
    folder = folder or kernels_folder()
    changes = []
    for backend, source in _SOURCES.items():
        path = folder / backend / f"{derivation.program.name}.py"
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        wanted = source(derivation)
        if current != wanted:
            changes.append(Change(path, _diff(current, wanted, path, folder)))
    return tuple(changes)


def orphans(names: Iterable[str], folder: Path | None = None) -> tuple[Path, ...]:
    """Kernels whose definition is gone."""
    folder = folder or kernels_folder()
    known = {f"{name}.py" for name in names} | {"__init__.py"}
    return tuple(
        path for backend in _SOURCES for path in sorted((folder / backend).glob("*.py")) if path.name not in known
    )


def _diff(current: str, wanted: str, path: Path, folder: Path) -> str:
    shown = path.relative_to(folder.parent.parent).as_posix()
    lines = difflib.unified_diff(
        current.splitlines(keepends=True), wanted.splitlines(keepends=True), f"{shown} (on disk)", f"{shown} (derived)"
    )
    return "".join(lines)
