"""One legal case of a subject, for witnesses and for rivals that draw no cases of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.zoo.subject import Array, Subject, Witness
from gradlab.operation import ELLIPSIS, Domain, Signature

_ORDINARY = (3, 4, 5, 2, 6, 7)  # all different, so that a transposed result has another shape


@dataclass(frozen=True)
class Case:
    """Inputs, upstream gradient and parameters of one call."""

    dims: Mapping[str, Any]
    inputs: list[Array]
    grad_output: Array
    params: Mapping[str, Any]


def shapes(subject: Subject, dims: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """The shape of every input; `dims["..."]` is one shape for all, or a list with one for each input."""
    result: list[tuple[int, ...]] = []
    for k, shape in enumerate(Signature.parse(subject.signature).inputs):
        lead = dims.get(ELLIPSIS, ())
        here: tuple[int, ...] = ()
        for name in shape:
            if name == ELLIPSIS:
                here += tuple(lead[k] if isinstance(lead, list) else lead)
            else:
                here += (int(name) if name.isdigit() else dims[name],)
        result.append(here)
    return result


def dimensions(subject: Subject, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A size for every dimension: an ordinary one, then the subject's own, then the changes."""
    names = Signature.parse(subject.signature).dims
    dims: dict[str, Any] = {name: _ORDINARY[k % len(_ORDINARY)] for k, name in enumerate(names)}
    dims[ELLIPSIS] = (2, 3)
    return dims | dict(subject.sizes) | dict(changes)


def defaults(subject: Subject) -> dict[str, Any]:
    """Every parameter's default."""
    return {name: values[0] for name, values in subject.params.items()}


def draw(domain: Domain, shape: tuple[int, ...], dims: Mapping[str, Any], generator: np.random.Generator) -> Array:
    """Mild random values of a domain."""
    match domain.kind:
        case "labels":
            return generator.integers(0, max(1, dims[domain.below or ""]), shape)
        case "integers":
            return generator.integers(int(domain.minimum), int(domain.maximum) + 1, shape)
        case "mask":
            return np.asarray(generator.random(shape) < domain.probability)
        case "signs":
            return np.asarray(np.where(generator.random(shape) < 0.5, -1.0, 1.0))
        case "one_hot":
            return np.asarray(np.eye(shape[-1])[generator.integers(0, shape[-1], shape[:-1])])
        case "simplex":
            values = generator.uniform(0.1, 1.0, shape)
            return np.asarray(values / values.sum(axis=-1, keepdims=True))
    low, high = domain.minimum, domain.maximum
    if domain.kind in ("positive", "non_negative"):
        return np.asarray(generator.uniform(0.3, 2.0, shape))
    if math.isinf(low) and math.isinf(high):
        return np.asarray(generator.standard_normal(shape))
    low, high = (max(low, -2.0), min(high, 2.0)) if low < 2 and high > -2 else (low, min(high, low + 4.0))
    return np.asarray(generator.uniform(low, high, shape))


def fits(subject: Subject, dims: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """Whether sizes and parameters are what the subject says it accepts."""
    for name, (least, most) in subject.dims.items():
        if not least <= dims[name] <= (math.inf if most is None else most):
            return False
    if any(params[name] not in values for name, values in subject.params.items()):
        return False
    return subject.where is None or subject.where(dims, params)


def legal(subject: Subject, case: Case) -> bool:
    """Whether a case lies within what the subject says it accepts."""
    if not fits(subject, case.dims, case.params):
        return False
    for name, value in zip(subject.names, case.inputs, strict=True):
        domain = subject.domains.get(name)
        if domain is None or value.size == 0 or domain.kind == "mask":
            continue
        below = case.dims[domain.below] - 1 if domain.below else domain.maximum
        if not (value >= domain.minimum).all() or not (value <= below).all():
            return False
        if domain.kind == "positive" and not (value > 0).all():
            return False
        if domain.kind == "simplex" and not np.allclose(value.sum(axis=-1), 1):
            return False
    return True


def lay_out(array: Array, layout: str) -> Array:
    """The same numbers in another memory layout (for `expanded`, the first row or element everywhere)."""
    if layout == "F" and array.ndim > 1:
        return np.asfortranarray(array)
    if layout == "negative" and array.ndim > 0:
        backwards = (slice(None, None, -1),) * array.ndim
        return np.ascontiguousarray(array[backwards])[backwards]
    if layout == "strided" and array.ndim > 0 and array.dtype.kind == "f":
        room = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
        room[..., ::2] = array
        return np.asarray(room[..., ::2])
    if layout == "expanded" and array.ndim > 0 and array.size:
        return np.broadcast_to(array[(slice(0, 1),) * array.ndim], array.shape)
    return array.copy()


def _changed(array: Array, change: Any) -> Array:
    value = change(array) if callable(change) else change
    return np.array(np.broadcast_to(np.asarray(value, dtype=array.dtype), array.shape))


def sample(subject: Subject, witness: Witness | None = None, seed: int = 0) -> Case:
    """Draw the case that a witness describes; without one, an ordinary case."""
    witness = Witness() if witness is None else witness
    generator = np.random.default_rng(seed)
    dims = dimensions(subject, witness.dims)
    params = defaults(subject) | dict(witness.params)
    inputs: list[Array] = []
    for name, shape in zip(subject.names, shapes(subject, dims), strict=True):
        value = draw(subject.domains.get(name, Domain("real")), shape, dims, generator)
        value = value.astype(witness.dtype) if value.dtype.kind == "f" else value
        inputs.append(_changed(value, witness.fill[name]) if name in witness.fill else value)
    with np.errstate(all="ignore"):
        output = np.asarray(subject.forward(*copies(inputs), **params))
    grad_output = np.asarray(generator.standard_normal(output.shape)).astype(output.dtype)
    if witness.upstream is not None:
        grad_output = _changed(grad_output, witness.upstream)
    if witness.layout_of != "upstream":
        inputs = [lay_out(value, witness.layout) for value in inputs]
    if witness.layout_of != "inputs":
        grad_output = lay_out(grad_output, witness.layout)
    return Case(dims, inputs, grad_output, params)


def copies(arrays: Sequence[Array]) -> list[Array]:
    """Contiguous copies; a 0-d array stays one."""
    return [np.array(array) for array in arrays]
