"""Finds the definitions: the files of `derivations/`, or a file of the reader's own."""

from __future__ import annotations

import difflib
import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from gradlab.errors import DefinitionError, UnknownOperationError
from gradlab.symbolic.claims import Claim
from gradlab.symbolic.definition import Definition
from gradlab.symbolic.trace import Traced


def folder() -> Path:
    """Where the definitions are: inside the package in a wheel, beside it in a checkout.

    Raises DefinitionError where neither folder is there.
    """
    # An editable install may leave a stale copy in site-packages; looking beside this file never finds that one.
    package = Path(__file__).resolve().parent.parent
    candidates = (package / "_derivations", package.parent / "derivations")
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    shown = " nor ".join(str(candidate) for candidate in candidates)
    raise DefinitionError(f"no definitions: there is neither {shown}; install gradlab again, or name a file")


def definitions(path: Path | None = None) -> dict[str, Definition]:
    """Every definition in a folder (by default gradlab's own), by name, in the order of the files' names.

    Raises DefinitionError for a file that cannot be imported and for a name that is defined twice.
    """
    found: dict[str, Definition] = {}
    for file in sorted((path or folder()).glob("*.py")):
        if file.name.startswith("_") or _claims(module := _import(file, _source(file))):
            continue  # an audit has definitions of its own, which are no operations
        for name, definition in _required(module, _source(file)).items():
            if name in found:
                other = found[name].source
                raise DefinitionError(
                    f"{definition.source}: the operation {name!r} is defined in {other} too; rename one of the two"
                )
            found[name] = definition
    return found


def definition(name: str, path: Path | None = None) -> Definition:
    """One definition; an unknown name raises UnknownOperationError with the nearest ones.

    >>> definition("softmax").source
    'derivations/softmax.py'
    """
    every = definitions(path)
    if name not in every:
        close = difflib.get_close_matches(name, every, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(repr(match) for match in close)}?" if close else "see `gradlab list`"
        raise UnknownOperationError(f"unknown operation {name!r}; {hint}")
    return every[name]


def from_file(file: Path, only: str = "") -> dict[str, Definition]:
    """The definitions at the top level of one file, by name; `only` one of them.

    Raises DefinitionError where the file is not there, fails to import, or defines nothing, or nothing of that name.
    """
    if not file.is_file():
        raise DefinitionError(f"{file}: there is no such file; give the path of a Python file that holds a Definition")
    return _required(_import(file, _source(file)), _source(file), only)


def _required(module: ModuleType, source: str, only: str = "") -> dict[str, Definition]:
    found = collected(module, source, only)
    names = [value.name for value in vars(module).values() if isinstance(value, Definition | Traced)]
    if not found and names:
        raise DefinitionError(f"{source}: it holds no Definition {only!r}; it has {', '.join(names)}")
    if not found:
        raise DefinitionError(
            f"{source}: it holds no Definition; assign one at the top level: my_op = Definition(...), or put "
            "@gradlab.symbolic.traced('(n)->(n)') above a function"
        )
    return found


def claims(file: Path) -> list[Claim]:
    """The claims at the top level of one file, alone or in lists, in order.

    Raises DefinitionError where the file is not there, fails to import, or claims nothing.
    """
    if not file.is_file():
        raise DefinitionError(f"{file}: there is no such file; give the path of a Python file that holds claims")
    found = _claims(_import(file, _source(file)))
    if not found:
        raise DefinitionError(f"{_source(file)}: it claims nothing; assign at the top level: mine = claim(...)")
    return found


def _claims(module: ModuleType) -> list[Claim]:
    found: list[Claim] = []
    for value in vars(module).values():
        found += [item for item in (value if isinstance(value, list | tuple) else [value]) if isinstance(item, Claim)]
    return found


def _source(file: Path) -> str:
    return f"{file.parent.name}/{file.name}".removeprefix("/").replace("_derivations/", "derivations/", 1)


def collected(module: ModuleType, source: str, only: str = "") -> dict[str, Definition]:
    """The definitions and traced functions at the top level of a module, by name; `only` one of these.

    Raises DefinitionError for two of one name, FormulaError for a function that has no formula.
    """
    found: dict[str, Definition] = {}
    for value in vars(module).values():
        if not isinstance(value, Definition | Traced) or only not in ("", value.name):
            continue
        known = replace(value.definition if isinstance(value, Traced) else value, source=source)
        if found.setdefault(known.name, known) != known:  # but one definition may have two names
            raise DefinitionError(f"{source}: the operation {known.name!r} is defined twice; rename one of the two")
    return found


def _import(file: Path, source: str) -> ModuleType:
    # Not put into sys.modules: two folders may hold files of one name, and a file may change between two calls.
    spec = importlib.util.spec_from_file_location(f"gradlab_derivation_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise DefinitionError(f"{source}: it is not a Python file; rename it to end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        line = _line(error, file)
        raise DefinitionError(
            f"{source}{line}: cannot be imported: {type(error).__name__}: {error}; correct the file"
        ) from error
    return module


def _line(error: Exception, file: Path) -> str:
    """The last line of the file itself that the exception passed through, as `:12`."""
    if isinstance(error, SyntaxError):
        return f":{error.lineno}" if error.lineno else ""
    numbers = []
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            numbers.append(trace.tb_lineno)
        trace = trace.tb_next
    return f":{numbers[-1]}" if numbers else ""
