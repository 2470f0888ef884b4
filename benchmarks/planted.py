"""Backwards with one wrong element: what every measurement of the checker's sensitivity plants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradlab.adapters.subject import Subject
from gradlab.verify.calls import listed


def planted(subject: Subject, argument: int, position: int, errors: Mapping[str, float]) -> Subject:
    """The subject with a relative error in element `position` (modulo the size) of one gradient.

    `errors` gives the error per dtype; the other dtype stays right.
    """

    def backward(grad_output: Any, inputs: Sequence[Any], saved: Any, params: Mapping[str, Any]) -> Any:
        gradients = listed(subject.backward(grad_output, inputs, saved, params), len(inputs))
        wrong = np.array(gradients[argument])
        error = errors.get(str(wrong.dtype), 0.0)
        if wrong.size and error:
            wrong.reshape(-1)[position % wrong.size] *= 1 + error
        gradients[argument] = wrong
        return tuple(gradients)

    return replace(subject, backward=backward)
