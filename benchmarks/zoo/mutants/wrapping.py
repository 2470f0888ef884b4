"""How a correct backward is spoilt in general: before it, by its upstream; after it, by its gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.zoo.subject import Function, Subject

Spoiler = Callable[[Subject], Function]


def upstream_through(change: Function) -> Spoiler:
    """The backward of a changed upstream."""

    def wrap(subject: Subject) -> Function:
        def backward(g: Any, *inputs: Any, **params: Any) -> Any:
            changed = np.asarray(change(np.asarray(g)), dtype=np.asarray(g).dtype)
            return subject.backward(changed, *inputs, **params)

        return backward

    return wrap


def each(gradients: Any, change: Function) -> Any:
    """Every gradient that is not None, changed."""
    if not isinstance(gradients, tuple):
        return change(np.asarray(gradients))
    return tuple(None if value is None else change(np.asarray(value)) for value in gradients)


def gradients_through(change: Function) -> Spoiler:
    """Every gradient of the correct backward, changed."""

    def wrap(subject: Subject) -> Function:
        def backward(g: Any, *inputs: Any, **params: Any) -> Any:
            return each(subject.backward(g, *inputs, **params), change)

        return backward

    return wrap


def whole_through(change: Function) -> Spoiler:
    """What the correct backward returns, changed as a whole, the inputs at hand."""

    def wrap(subject: Subject) -> Function:
        def backward(g: Any, *inputs: Any, **params: Any) -> Any:
            return change(subject.backward(g, *inputs, **params), g, *inputs)

        return backward

    return wrap
