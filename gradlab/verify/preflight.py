"""What can be said of functions before they run: what is no pair of functions, and calls that cannot work."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gradlab.adapters.functions import from_functions
from gradlab.adapters.layers import from_layer
from gradlab.adapters.subject import Subject, subject_of
from gradlab.errors import SignatureError
from gradlab.operation import Signature
from gradlab.verify.calls import describe, quiet
from gradlab.verify.case import build
from gradlab.verify.plan import round_of_plans
from gradlab.verify.references import Reference, as_reference
from gradlab.verify.specification import Specification

_LIBRARIES = {"torch": "gradlab.torch.check(function, signature)", "jax": "gradlab.jax.check(function, signature)"}


def callables(**functions: object) -> None:
    """Raise SignatureError for what is no function, saying which door takes it."""
    for role, function in functions.items():
        if inspect.isclass(function) or not callable(function) or _library(function):
            raise SignatureError(f"{role}={function!r} {_instead(function)}")


def _instead(function: object) -> str:
    library, is_class = _library(function), inspect.isclass(function)
    if library is not None:
        return f"belongs to {library}; use {_LIBRARIES[library]}"
    name = function.__name__ if inspect.isclass(function) else type(function).__name__
    if all(callable(getattr(function, half, None)) for half in ("forward", "backward")):
        factory = name if is_class else f"lambda: {name}(...)"
        return f"is a layer and no function; use gradlab.check(*gradlab.from_layer({factory}), signature)"
    return "is a class; pass a function" if is_class else "cannot be called; pass a function"


def _library(function: object) -> str | None:
    kinds = function.__mro__ if inspect.isclass(function) else type(function).__mro__
    modules = [kind.__module__ for kind in kinds] + [str(getattr(function, "__module__", ""))]
    owner = getattr(function, "__self__", None)
    modules += [kind.__module__ for kind in getattr(owner, "__mro__", ())]  # Function.apply
    heads = [module.partition(".")[0].removesuffix("lib") for module in modules]
    return next((head for head in heads if head in _LIBRARIES), None)


def accepts(role: str, function: Callable[..., Any], names: Sequence[str], params: Iterable[str], why: str) -> None:
    """Raise SignatureError where a call with these arguments cannot succeed, whatever they are."""
    try:
        parameters = inspect.signature(function)
    except (TypeError, ValueError):  # some builtins do not tell
        return
    try:
        parameters.bind(*names, **dict.fromkeys(params))
    except TypeError as error:
        call = ", ".join((*names, *(f"{name}=..." for name in params)))
        raise SignatureError(f"{role}{_bare(parameters)} cannot be called as {role}({call}), {why}: {error}") from None


def _bare(signature: inspect.Signature) -> inspect.Signature:
    """Without annotations, which only make the line longer."""
    empty = inspect.Parameter.empty
    return inspect.Signature([parameter.replace(annotation=empty) for parameter in signature.parameters.values()])


def as_subject(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    names: Sequence[str],
    params: Mapping[str, Any],
    text: str,
) -> Subject:
    """The pair as a subject; raises SignatureError where it cannot be called as the signature says."""
    known = subject_of(forward, backward)
    if known is not None:
        return known
    accepts("forward", forward, names, params, f"as the signature '{text}' wants it")
    layer = _layer_of(forward, backward)
    if layer is not None and not params:
        return _from_object(layer)
    every = ("grad_output", *names)
    accepts("backward", backward, every, params, "with all inputs after grad_output; for a cache see from_cached")
    return from_functions(forward, backward)


def _layer_of(forward: Any, backward: Any) -> Any:
    """The object of `layer.forward` and `layer.backward`, where backward takes grad_output alone."""
    layer = getattr(forward, "__self__", None)
    if layer is None or inspect.ismodule(layer) or getattr(backward, "__self__", None) is not layer:
        return None
    parameters = inspect.signature(backward).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    names = getattr(forward, "__name__", ""), getattr(backward, "__name__", "")
    return layer if len(needed) == len(parameters) == 1 and names == ("forward", "backward") else None


def _from_object(layer: Any) -> Subject:
    kind = type(layer).__name__
    door = f"gradlab.check(*gradlab.from_layer(lambda: {kind}(...)), signature)"
    kept = getattr(layer, "params", None)
    if isinstance(kept, Mapping) and kept:
        raise SignatureError(
            f"{kind} keeps parameters ({', '.join(map(str, kept))}), whose gradients this would leave out; use {door} "
            "with a signature that lists them after the inputs"
        )
    try:
        copy.deepcopy(layer)
    except Exception as error:
        raise SignatureError(f"{kind} keeps its inputs and cannot be copied ({describe(error)}); use {door}") from error
    return from_layer(lambda: copy.deepcopy(layer), parameters=(), name=f"{kind}.forward")


def reference_of(function: Any, specification: Specification) -> Reference:
    """A user's reference, tried on a few ordinary cases; raises SignatureError for one that can be compared in none."""
    if not callable(function):
        raise SignatureError(f"reference={function!r} cannot be called; pass a function of the same arguments")
    names, signature = [argument.name for argument in specification.arguments], specification.signature
    accepts("reference", function, names, specification.params, "with the arguments of forward")
    with quiet():
        for plan in round_of_plans(specification, (0,)):
            case = build(plan, specification)
            if case.empty:
                continue
            reference = as_reference(function, specification.differentiable, case.inputs, plan.params)
            try:
                output = reference.output(case.inputs, plan.params)
            except Exception as error:
                raise SignatureError(f"reference returns what is no array: {describe(error)}") from error
            if output is not None:
                _comparable(output.dtype.kind, output, signature)
                return reference
    raise SignatureError(f"reference {_complaint(function, case.inputs, plan.params)}; pass a function like forward")


def _comparable(kind: str, output: Any, signature: Signature) -> None:
    if kind not in "fiub":
        raise SignatureError(
            f"reference returns {output.dtype} for '{signature}'; one real array is expected, as forward gives it"
        )


def _complaint(function: Callable[..., Any], inputs: Sequence[Any], params: Mapping[str, Any]) -> str:
    try:
        returned = function(*inputs, **params)
    except Exception as error:
        return f"raises {describe(error)} in every case"
    return f"returns a {type(returned).__name__} in every case"
