"""What a diagnosis is, as plain data, and the kinds of mistakes that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "sign",
    "constant factor",
    "missing term",
    "mistaken quantity",
    "swapped arguments",
    "transposed",
    "wrong axis",
    "shifted",
    "one place",
    "sizes",
    "region",
    "parameter",
    "layout",
    "upstream",
    "stale state",
    "random",
    "in place",
    "downcast",
    "instability",
    "kink",
    "contract",
    "forward",
]

KINDS: dict[Kind, str] = {
    "sign": "the correct gradient times -1, everywhere",
    "constant factor": "the correct gradient times a number: N, 1/N, 2, (N-1)/N, a function of a parameter",
    "missing term": "a term of the sum is missing, doubled or one too many: a mean, a projection, a path through var",
    "mistaken quantity": "evaluated with another array than it should be: x for x_hat, the output for the input",
    "swapped arguments": "the gradients of two arguments are exchanged",
    "transposed": "the gradient, or a factor of it, is transposed",
    "wrong axis": "summed or normalised over the wrong axis, not summed over a broadcast axis, or summed too often",
    "shifted": "entries are shifted, flipped, permuted or attributed to a neighbour",
    "one place": "wrong only in one element, row, column, block or border",
    "sizes": "wrong only at some sizes: one row, more than 8, odd ones, rank 3, empty arrays",
    "region": "wrong only for some values of the inputs: negative, zero, beyond a threshold",
    "parameter": "a keyword parameter is ignored, misread or only right at its default",
    "layout": "wrong only for some memory layouts",
    "upstream": "not linear in grad_output: abs, relu or clip of it, a constant in its place, only its sum or its sign",
    "stale state": "the answer depends on earlier calls: stale caches, accumulation, shared buffers",
    "random": "the same call gives different answers by chance",
    "in place": "an input, grad_output or a saved array is changed",
    "downcast": "digits are lost: computed in float32 or coarser, rounded, differenced numerically",
    "instability": "overflow, underflow or cancellation where the true value is fine, in backward or forward",
    "kink": "at a kink or a tie, an answer that no limit of gradients gives",
    "contract": "wrong arity, shape, dtype or type, None for a gradient that is owed or the reverse, or it raises",
    "forward": "forward does not compute what its reference does",
}
"""Each kind with its meaning; `Diagnosis.kind` is one of them."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A kind, one sentence for the reader, the numbers behind it, and what to change.

    >>> print(Diagnosis("sign", "grad x is the correct gradient times -1", "drop the minus sign"))
    sign: grad x is the correct gradient times -1
      remedy: drop the minus sign
    """

    kind: Kind
    text: str
    remedy: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}\n  remedy: {self.remedy}"

    def as_dict(self) -> dict[str, Any]:
        """Plain strings and numbers."""
        return {"kind": self.kind, "text": self.text, "remedy": self.remedy, "evidence": dict(self.evidence)}
