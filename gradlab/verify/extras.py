"""What a user may declare beyond shapes and domains; each entry wakes a law of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from gradlab.errors import SignatureError
from gradlab.operation import Signature

Convention = Literal["bracket", "torch"]

LOW_DTYPES = ("float16",)
"""Dtypes of low precision that NumPy has."""


@dataclass(frozen=True, slots=True)
class Extras:
    """Declarations of `check`, validated.

    `batch` names the dimension of independent or at least interchangeable samples, `per_sample` says that they are
    independent. `convention` is what must happen at a kink. `jvp(tangents, *inputs, **params)` is the forward-mode
    derivative, `double_backward(grad_grads, grad_output, *inputs, **params)` the backward of backward; `order` 2 asks
    for second derivatives. `low` lists the dtypes of low precision.
    """

    batch: str | None = None
    per_sample: bool = False
    convention: Convention = "bracket"
    jvp: Callable[..., Any] | None = None
    order: int = 1
    double_backward: Callable[..., Any] | None = None
    low: tuple[str, ...] = ()


def extras(
    signature: Signature,
    *,
    batch: str | None = None,
    per_sample: bool = False,
    convention: str = "bracket",
    jvp: Callable[..., Any] | None = None,
    order: int = 1,
    double_backward: Callable[..., Any] | None = None,
    low: tuple[str, ...] = (),
) -> Extras:
    """Validate the declarations; raises SignatureError that shows the value, then the remedy."""
    if order not in (1, 2):
        raise SignatureError(f"order={order!r} is not supported; use 1 (first derivatives) or 2 (second as well)")
    for name, function in (("jvp", jvp), ("double_backward", double_backward)):
        if function is not None and not callable(function):
            raise SignatureError(f"{name}={function!r} cannot be called; pass a function")
    if double_backward is not None and order != 2:
        raise SignatureError(f"order={order!r} does not look at double_backward; pass order=2")
    _batch(signature, batch, per_sample)
    if convention == "bracket":
        return Extras(batch, per_sample, "bracket", jvp, order, double_backward, low)
    if convention == "torch":
        return Extras(batch, per_sample, "torch", jvp, order, double_backward, low)
    raise SignatureError(
        f"convention={convention!r} is unknown; use 'bracket' (any slope between both sides) or 'torch'"
    )


def _batch(signature: Signature, batch: str | None, per_sample: bool) -> None:
    if batch is None:
        if per_sample:
            raise SignatureError("per_sample=True says nothing without a batch; name its dimension: batch='n'")
        return
    known = sorted({dim for shape in signature.inputs for dim in shape if dim in signature.dims})
    if batch not in known:
        raise SignatureError(
            f"batch={batch!r} is no dimension of an input of '{signature}'; known: {', '.join(known) or 'none'}"
        )
    if signature.output is None:
        raise SignatureError(
            f"batch={batch!r} needs the output's shape; write '{signature}->(...)' with its dimensions"
        )
    if per_sample and batch not in signature.output:
        raise SignatureError(
            f"per_sample=True: the output of '{signature}' has no {batch!r}, samples are summed; leave per_sample out"
        )
