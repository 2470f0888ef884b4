"""Serves a mutant in place of one file, in every Python process of a test command.

The folder of this file stands first in PYTHONPATH, so that Python imports it as it starts, before anything of the
user's. It needs nothing but the standard library, of any version. The file itself is neither written nor compiled into
`__pycache__`, where a later run would find the mutant.
"""

import os
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from typing import Any

_HERE = os.path.realpath(os.path.dirname(__file__))


def _mark(what: str) -> None:
    # Says to the parent how far the import came.
    open(os.path.join(os.environ["GRADLAB_MUTANT_FOLDER"], what), "w").close()


def _install(path: str) -> None:
    get_code, exec_module = SourceFileLoader.get_code, SourceFileLoader.exec_module

    def ours(loader: SourceFileLoader) -> bool:
        found = os.fspath(loader.path)
        return os.path.basename(found) == os.path.basename(path) and os.path.realpath(found) == path

    def mutant_code(self: SourceFileLoader, fullname: str) -> Any:
        if not ours(self):
            return get_code(self, fullname)
        with open(os.path.join(os.environ["GRADLAB_MUTANT_FOLDER"], "text"), "rb") as file:
            text = file.read()
        _mark("served")
        return self.source_to_code(text, self.path)

    def marked_exec(self: SourceFileLoader, module: Any) -> None:
        if not ours(self):
            return exec_module(self, module)
        _mark("began")
        exec_module(self, module)
        _mark("ended")
        return None

    SourceFileLoader.get_code = mutant_code  # type: ignore[assignment,method-assign]
    SourceFileLoader.exec_module = marked_exec  # type: ignore[assignment,method-assign]


def _next() -> None:
    """Run the sitecustomize that this one hides."""
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) != _HERE]
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        from importlib.util import module_from_spec

        spec.loader.exec_module(module_from_spec(spec))


if __name__ == "sitecustomize" and "GRADLAB_MUTANT_FILE" in os.environ:
    _install(os.environ["GRADLAB_MUTANT_FILE"])
    _next()
