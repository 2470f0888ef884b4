"""The reader's own functions, examined; runs in a worker process (gradlab.verify.workers)."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from gradlab.adapters.cached import from_cached
from gradlab.adapters.functions import from_functions
from gradlab.adapters.layers import from_layer
from gradlab.adapters.subject import Subject
from gradlab.cli.definitions import definition_rows, definitions
from gradlab.cli.sources import load, named, specs
from gradlab.cli.targets import Target
from gradlab.errors import SignatureError
from gradlab.verify.check import check
from gradlab.verify.flat import FlatRow
from gradlab.verify.laws import LAWS
from gradlab.verify.rows import rows_of
from gradlab.verify.specification import specify, suggestion
from gradlab.verify.watch import WATCH

# How people call the backward of a function f, beside naming it in the spec or on the line.
BACKWARD_NAMES = ("{}_backward", "backward_{}", "{}_grad", "grad_{}", "d_{}", "{}_bwd")

_KEYS = {*inspect.signature(check).parameters, "cached", "name"} - {"profile", "seed", "pictures"}


@dataclass(frozen=True, slots=True)
class Described:
    """A subject, the options of its check, and why global state may change, where the user gave a reason."""

    subject: Subject
    signature: str
    options: dict[str, Any]
    allowed: str | None


def names(target: Target, line: Mapping[str, Any]) -> list[str]:
    """The functions that a target names, each fully described; raises SignatureError for one that is not."""
    module = load(target)
    own = definitions(module, target)
    if own and line:
        raise SignatureError(f"{target}: a Definition says all of itself; leave out --{next(iter(line))}")
    if own:
        return list(own)
    found = [target.name] if target.name else list(specs(module, target))
    for name in found:
        described(module, Target(target.module, name), line)
    return found


def examine(target: Target, line: Mapping[str, Any], profile: Any, seed: int) -> list[FlatRow]:
    """The rows of one function, or of one Definition."""
    module = load(target)
    own = definitions(module, target)
    if own:
        return definition_rows(own[target.name], label(target), profile, seed)
    known = described(module, target, line)
    watched = WATCH.subject(known.subject, known.options["names"])
    forward, backward = watched
    report = check(forward, backward, known.signature, **known.options, profile=profile, seed=seed)
    found = [finding for finding in WATCH.findings() if finding["severity"] == "note" or known.allowed is None]
    return [FlatRow.of(row).noted(found) for row in rows_of(report, label(target), "user")]


def registered(name: str, backend: Any, profile: Any, seed: int) -> list[FlatRow]:
    """The rows of one of gradlab's operations."""
    from gradlab.symbolic.oracle import symbolic_reference
    from gradlab.verify.registered import operation_rows, operation_seed

    own = operation_seed(seed, name, backend)
    rows = operation_rows(name, backend, profile=profile, seed=own, exact=symbolic_reference)
    return [FlatRow.of(row) for row in rows]


def label(target: Target) -> str:
    """How tables call a target: the file's name without its folder."""
    head = Path(target.module).name if target.is_file else target.module
    return f"{head}:{target.name}" if target.name else head


def described(module: ModuleType, target: Target, line: Mapping[str, Any]) -> Described:
    """What is to be checked: the entries of `gradlab_spec`, overridden or completed by those of the line."""
    spec = dict(specs(module, target).get(target.name, {}) if hasattr(module, "gradlab_spec") else {})
    for key in spec:
        if key not in _KEYS:
            raise SignatureError(f"{target}: gradlab_spec has no entry {key!r}; {suggestion(key, sorted(_KEYS))}")
    for key, value in line.items():
        spec[key] = {**spec.get(key, {}), **value} if isinstance(value, Mapping) else value
    spec.pop("name", None)
    forward = named(module, spec.pop("forward", target.name), target)
    if "signature" not in spec:
        raise SignatureError(f"{target}: no signature; give --signature '(n,d)->(n,d)' or a gradlab_spec beside it")
    signature, exclude = spec.pop("signature"), dict(spec.pop("exclude", None) or {})
    subject, caller = _subject(module, target, forward, spec.pop("backward", None), spec.pop("cached", False))
    for key in ("reference", "jvp", "double_backward"):
        if spec.get(key) is not None:
            spec[key] = named(module, spec[key], target)
    checked = {key: value for key, value in spec.items() if key != "reference"}
    try:
        known = specify(signature, forward=caller, **checked, exclude=exclude, laws=(*LAWS, "isolation"))
    except SignatureError as error:
        raise SignatureError(f"{target}: {error}") from None
    allowed = exclude.pop("isolation", None)
    options = {**spec, "names": tuple(argument.name for argument in known.arguments), "exclude": exclude}
    return Described(subject, signature, options, allowed)


def _subject(
    module: ModuleType, target: Target, forward: Any, backward: Any, cached: bool
) -> tuple[Subject, Callable[..., Any] | None]:
    """The subject, and the function whose parameters name its arguments."""
    if isinstance(forward, Subject):
        return forward, None
    if backward is None and callable(getattr(forward, "backward", None)):
        return _layer(target, forward)
    if backward is None:
        backward = _beside(module, target)
    backward = named(module, backward, target)
    for function in (forward, backward):
        if not callable(function):
            raise SignatureError(f"{target}: {function!r} cannot be called; name a function")
    return (from_cached if cached else from_functions)(forward, backward), forward


def _beside(module: ModuleType, target: Target) -> str:
    last = target.name.rpartition(".")[2]
    tried = ["backward"] if last == "forward" else [pattern.format(last) for pattern in BACKWARD_NAMES]
    for name in tried:
        if hasattr(module, name):
            return name
    raise SignatureError(f"{target}: no backward found, tried {', '.join(tried)}; name it with --backward NAME")


def _layer(target: Target, layer: Any) -> tuple[Subject, Callable[..., Any] | None]:
    if inspect.isclass(layer):
        return from_layer(layer), None
    parameters = inspect.signature(layer.backward).parameters.values()
    if sum(parameter.default is parameter.empty for parameter in parameters) > 1:
        return from_functions(layer.forward, layer.backward), layer.forward
    return from_layer(lambda: copy.deepcopy(layer), name=target.name), layer.forward
