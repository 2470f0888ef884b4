"""Name -> operation and kernel, by scanning the generated files in `gradlab/kernels`."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from types import ModuleType
from typing import Literal

import gradlab.kernels.numpy
from gradlab.errors import MissingDependencyError, UnknownOperationError
from gradlab.operation import Operation

Backend = Literal["numpy", "torch"]


def names() -> tuple[str, ...]:
    """Every operation that has a kernel, in alphabetical order; no kernel is imported for it."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(gradlab.kernels.numpy.__path__)))


def operation(name: str) -> Operation:
    """The record of one operation.

    >>> str(operation("softmax").signature)
    '(...,d)->(...,d)'
    """
    record: Operation = kernel(name).OPERATION
    return record


def kernel(name: str, backend: Backend = "numpy") -> ModuleType:
    """The generated module of an operation, with `forward`, `backward` and (NumPy only) `OPERATION`.

    Raises UnknownOperationError for a name without kernel, MissingDependencyError for `backend="torch"` without torch.
    """
    try:
        # Layers come here at every step: a loaded module is found without a look at the folder.
        return importlib.import_module(f"gradlab.kernels.{backend}.{name}")
    except ModuleNotFoundError as error:
        if error.name == "torch":
            raise MissingDependencyError("torch is not installed; run: pip install 'gradlab[torch]'") from error
        if name not in names():
            raise UnknownOperationError(unknown(name)) from None
        raise


def unknown(name: str) -> str:
    """The message for a name that no kernel has, with the nearest names."""
    close = difflib.get_close_matches(name, names(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(repr(match) for match in close)}?" if close else "see `gradlab list`"
    return f"unknown operation {name!r}; {hint}"
