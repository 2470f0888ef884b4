"""What `gradlab mutate` is to mutate: the file and its functions, and how to run them; partly in worker processes."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from gradlab import registry
from gradlab.cli.sources import load, named, specs
from gradlab.cli.subjects import BACKWARD_NAMES, described, label
from gradlab.cli.targets import Target
from gradlab.errors import SignatureError
from gradlab.mutate.bench import Bench, registered
from gradlab.mutate.difference import Comparison, compare
from gradlab.mutate.judge import judge
from gradlab.mutate.outcome import Verdict
from gradlab.mutate.source import Source
from gradlab.verify.calls import quiet
from gradlab.verify.case import build
from gradlab.verify.plan import round_of_plans
from gradlab.verify.references import Reference, as_reference
from gradlab.verify.specification import specify


@dataclass(frozen=True)
class Origin:
    """What is mutated: `functions` of the file `path`; run as an `operation`, or as `target` with the line's options.

    `described` is False where only the file's text was looked at, and how to call the function is not known yet.
    """

    label: str
    path: str
    functions: tuple[str, ...]
    operation: str = ""
    target: Target | None = None
    line: Mapping[str, Any] = field(default_factory=dict)
    described: bool = True

    @property
    def key(self) -> tuple[str, ...]:
        """The same for the same functions of the same file."""
        return (str(Path(self.path).resolve()), *self.functions)

    @property
    def group(self) -> str:
        """Jobs of one file share a worker."""
        return "" if self.target is None else self.target.module


def operation_origin(name: str, *, forward: bool) -> Origin:
    """The NumPy kernel of an operation; raises UnknownOperationError."""
    path = registry.kernel(name).__file__
    assert path is not None
    return Origin(name, path, ("backward", "forward") if forward else ("backward",), operation=name)


def file_origin(target: Target, path: str, line: Mapping[str, Any], *, forward: bool) -> Origin:
    """A function of a file, found in its text alone: the one named, or the backward beside it.

    For a test command, which needs no signature and may be the only way to import the file.
    """
    source = Source.read(path)
    if not target.name:
        raise SignatureError(f"{target}: name the function to mutate: {target}:name")
    name = str(line.get("backward", "")) or _backward_in(source, target.name)
    source.function(name)
    also = (target.name,) if forward and target.name != name else ()
    shown = label(Target(target.module, name))
    return Origin(shown, path, (name, *also), target=target, line=line, described=False)


def _backward_in(source: Source, name: str) -> str:
    """The backward beside a function or in a class, else the function itself."""
    head, dot, last = name.rpartition(".")
    tried = [f"{name}.backward", *(f"{head}{dot}{pattern.format(last)}" for pattern in BACKWARD_NAMES)]
    if last == "forward":
        tried.append(f"{head}{dot}backward")
    return next((other for other in tried if other in source.functions), name)


# In a worker ---------------------------------------------------------------------------------------------------------


def located(target: Target) -> str:
    """The file of a module, which is not imported; its packages are."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = importlib.util.find_spec(target.module)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise SignatureError(f"{target}: no module named {target.module!r}; a file is path/to/file.py")
    return _python(target, found.origin)


def _python(target: Target, path: str | None) -> str:
    if path is None or not path.endswith(".py"):
        raise SignatureError(f"{target}: no source available ({path or 'built in'}); only Python can be mutated")
    return path


def origins(target: Target, line: Mapping[str, Any], forward: bool) -> list[Origin]:
    """The functions of a target that gradlab's own check can run; raises SignatureError for one that it cannot."""
    module = load(target)
    path = _python(target, getattr(module, "__file__", None))
    names = [target.name] if target.name else list(specs(module, target))
    return [_origin(module, path, target, name, line, forward) for name in names]


def _origin(module: ModuleType, path: str, target: Target, name: str, line: Mapping[str, Any], forward: bool) -> Origin:
    own, line = _described_as(module, target, name, line)
    described(module, own, line)
    spec = {**(specs(module, own).get(own.name, {}) if hasattr(module, "gradlab_spec") else {}), **line}
    run = named(module, spec.get("forward", own.name), own)
    back = spec.get("backward")
    if back is None:
        cls = run if inspect.isclass(run) else type(run)
        beside = [found for found in BACKWARD_NAMES if hasattr(module, found.format(own.name))]
        back = cls.backward if hasattr(cls, "backward") else beside[0].format(own.name) if beside else "backward"
    functions = [_defined(module, path, own, named(module, back, own))]
    if forward:
        functions.append(_defined(module, path, own, getattr(run, "forward", run)))
    return Origin(label(Target(target.module, functions[0])), path, tuple(functions), target=own, line=line)


def _described_as(
    module: ModuleType, target: Target, name: str, line: Mapping[str, Any]
) -> tuple[Target, Mapping[str, Any]]:
    """The forward whose check runs this function: itself, or the one that a named backward belongs to."""
    own = Target(target.module, name)
    known = specs(module, own) if hasattr(module, "gradlab_spec") else {}
    if name in known or not hasattr(module, name):
        return own, line
    function = getattr(module, name)
    for other, spec in known.items():
        if spec.get("backward") in (name, function):
            return Target(target.module, other), line
    forwards = [other for other in vars(module) if name in [pattern.format(other) for pattern in BACKWARD_NAMES]]
    if forwards and "backward" not in line and (forwards[0] in known or "signature" in line):
        return Target(target.module, forwards[0]), {**line, "backward": name}
    return own, line


def _defined(module: ModuleType, path: str, target: Target, function: Any) -> str:
    """The qualified name of a function that this file defines."""
    function = inspect.unwrap(getattr(function, "__func__", function))
    code = getattr(function, "__code__", None)
    if code is None:
        raise SignatureError(
            f"{target}: no source available: {function!r} is not written in Python; only Python can be mutated"
        )
    if Path(code.co_filename).resolve() != Path(path).resolve():
        there = Path(code.co_filename).name
        raise SignatureError(f"{target}: {function.__name__} is defined in {there}; name it there: {there}:NAME")
    name = str(function.__qualname__)
    if "<" in name:
        raise SignatureError(f"{target}: {name} has no name of its own in {Path(path).name}; write it as a `def`")
    return name


_BENCHES: dict[str, Bench] = {}


def bench(origin: Origin) -> Bench:
    """The bench of an origin, built once in each process."""
    key = repr(origin)
    if key not in _BENCHES:
        _BENCHES[key] = registered(origin.operation) if origin.operation else _own_bench(origin)
    return _BENCHES[key]


def _own_bench(origin: Origin) -> Bench:
    target, line = origin.target, origin.line
    assert target is not None
    module = load(target)
    known = described(module, target, line)
    options = {key: value for key, value in known.options.items() if key != "reference"}
    specification = specify(known.signature, **options)
    reference = known.options.get("reference")
    references: tuple[Reference, ...] = ()
    if reference is not None:
        # It is called once, to tell a NumPy function from a torch one.
        plan = next(plan for plan in round_of_plans(specification, (0,)) if 0 not in plan.sizes.values())
        inputs = build(plan, specification).inputs
        with quiet():
            references = (as_reference(reference, specification.differentiable, inputs, plan.params),)

    def subject_in(other: ModuleType) -> Any:
        return described(other, target, line).subject

    return Bench(module, subject_in, specification, references)


def judged(origin: Origin, text: str | None, profile: Any, seed: int) -> Verdict:
    """gradlab's verdict on a mutant; None asks for that on the original."""
    return judge(bench(origin), text, profile=profile, seed=seed)


def compared(origin: Origin, text: str, seed: int) -> Comparison:
    """The comparison of a mutant that a test lets pass; raises SignatureError where it cannot be run without a test."""
    if not origin.described:
        assert origin.target is not None
        (origin,) = origins(origin.target, origin.line, False)
    return compare(bench(origin), text, seed)
