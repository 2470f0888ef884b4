"""What a Function keeps between its forward and its derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


def token_of(tensor: Tensor) -> Tensor:
    """A tensor of the same shape that takes the memory of one element."""
    return tensor.new_empty_strided(tensor.shape, (0,) * tensor.ndim)


@dataclass(frozen=True)
class Whole:
    """A shape among what was saved: torch.func takes a bare tuple apart, and then miscounts the arguments."""

    value: tuple[int, ...]


def opened(saved: tuple[Any, ...]) -> tuple[Any, ...]:
    """What was saved, with bare shapes again."""
    return tuple(item.value if isinstance(item, Whole) else item for item in saved)


def keep(ctx: Any, items: tuple[Any, ...], forward: bool = False) -> None:
    """Save tensors and numbers in their order, for forward mode too where it is asked for."""
    ctx.set_materialize_grads(False)  # intermediate results have no gradient here
    numbers = [(k, item) for k, item in enumerate(items) if not isinstance(item, Tensor)]
    tensors = only_tensors(items) if numbers else items
    ctx.save_for_backward(*tensors)
    if forward:
        ctx.save_for_forward(*tensors)
    ctx.numbers = numbers


def kept(ctx: Any) -> tuple[Any, ...]:
    """What `keep` was given, in its order."""
    if not ctx.numbers:
        return ctx.saved_tensors  # type: ignore[no-any-return]
    items = list(ctx.saved_tensors)
    for position, number in ctx.numbers:
        items.insert(position, number)
    return tuple(items)


def only_tensors(items: tuple[Any, ...]) -> list[Tensor]:
    """The tensors among these, in their order."""
    return [item for item in items if isinstance(item, Tensor)]


def filled(tangents: list[Tensor | None], shapes: tuple[torch.Size, ...], like: Tensor | None = None) -> list[Tensor]:
    """Zeros in place of the tangents that are missing; one of them, or `like`, is there."""
    known = next(tangent for tangent in (*tangents, like) if tangent is not None)
    return [known.new_zeros(s) if tangent is None else tangent for tangent, s in zip(tangents, shapes, strict=True)]
