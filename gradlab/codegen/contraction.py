"""Sums of products that both targets write alike."""

from __future__ import annotations

from gradlab.codegen.printer import align
from gradlab.codegen.statements import Value
from gradlab.symbolic.terms import Index


def matmul(operands: tuple[Value, ...], bound: Index, target: tuple[Index, ...]) -> str:
    """A product of two matrices over one shared index, with its axes in the target's order."""
    first, second = operands
    rows = [index for index in first.layout if index != bound]
    if target[: len(rows)] != tuple(rows):
        first, second = second, first
        rows = [index for index in first.layout if index != bound]
    right = align(second, (bound, *(index for index in second.layout if index != bound)))
    return f"{align(first, (*rows, bound))} @ {right}"


def einsum(function: str, operands: tuple[Value, ...], target: tuple[Index, ...]) -> str:
    """Any other sum of products."""
    letters: dict[Index, str] = {}
    for operand in operands:
        for index in operand.layout:
            letters.setdefault(index, "..." if index.axis.ellipsis else chr(ord("a") + len(letters)))
    left = ",".join("".join(letters[index] for index in operand.layout) for operand in operands)
    right = "".join(letters[index] for index in target)
    return f'{function}("{left}->{right}", {", ".join(operand.name for operand in operands)})'
