"""The reader's own file or module: imported, its `gradlab_spec` read, its functions looked up."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from gradlab.cli.targets import Target
from gradlab.errors import SignatureError
from gradlab.verify.specification import suggestion
from gradlab.verify.watch import WATCH


def load(target: Target) -> ModuleType:
    """The module of a target, imported once per process; whatever its import raises comes through."""
    name = _module_name(target)
    known = sys.modules.get(name)
    if known is not None and (not target.is_file or _same_file(known, target.module)):
        return known
    sys.path.insert(0, str(Path(target.module).resolve().parent) if target.is_file else str(Path.cwd()))
    with WATCH.during("import"):
        if target.is_file:
            spec = importlib.util.spec_from_file_location(name, target.module)
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[name] = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]  # half of it is there
                raise
            return module
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
                raise SignatureError(f"{target}: no module named {error.name!r}; a file is path/to/file.py") from None
            raise


def _module_name(target: Target) -> str:
    if not target.is_file:
        return target.module
    stem = Path(target.module).stem
    # A file may be called like a module that is needed: `random.py`, `numpy.py`.
    taken = stem in sys.modules and not _same_file(sys.modules[stem], target.module)
    return f"target_{stem}" if taken or not stem.isidentifier() or stem in sys.stdlib_module_names else stem


def _same_file(module: ModuleType, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and Path(file).resolve() == Path(path).resolve()


def specs(module: ModuleType, target: Target) -> Mapping[str, Mapping[str, Any]]:
    """Specs by function name; a single spec, which has a signature, stands under its `name` or under ""."""
    given = getattr(module, "gradlab_spec", None)
    if given is None:
        if target.name:
            return {}
        raise SignatureError(f"{target}: has no gradlab_spec; name a function, {target}:name, and give --signature")
    given = mapping(given, target)
    if "signature" in given:
        return {str(given.get("name", target.name or "forward")): given}
    return {str(name): mapping(spec, target) for name, spec in given.items()}


def mapping(value: Any, target: Target) -> Mapping[str, Any]:
    """A spec, given as a dictionary or a SimpleNamespace."""
    value = vars(value) if isinstance(value, SimpleNamespace) else value
    if not isinstance(value, Mapping):
        raise SignatureError(
            f"{target}: gradlab_spec holds a {type(value).__name__}; write {{'name': {{'signature': '(n)->(n)'}}}}"
        )
    return value


def named(module: ModuleType, name: Any, target: Target) -> Any:
    """The object of a dotted name; what is no name is the object itself."""
    if not isinstance(name, str):
        return name
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            own = [known for known in vars(found) if not known.startswith("_")] if hasattr(found, "__dict__") else []
            raise SignatureError(f"{target}: {target.module} has no {name!r}; {suggestion(part, own[:20])}")
        found = getattr(found, part)
    return found
