"""Mistakes of shape: axes, reductions, kept dimensions, transposes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from gradlab.mutate.change import Change
from gradlab.mutate.scope import REDUCTIONS, Scope

_OTHERS = {"sum": "mean", "mean": "sum", "max": "min", "min": "max", "amax": "amin", "amin": "amax", "var": "std"}

_TRANSPOSES = frozenset({"transpose", "swapaxes", "moveaxis", "matrix_transpose"})


def axis(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """Another axis, one fewer, or none; another place for a new axis; other indices of einsum."""
    name, operands, _ = scope.called(node)
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg == "axis":
                yield from _other_axes(node, keyword.value)
        # As a position, only reductions name an axis: x.sum(0).
        if name in REDUCTIONS and len(operands) > 1:
            yield from _other_axes(node, operands[1])
        first = node.args[0] if node.args else None
        if name == "einsum" and isinstance(first, ast.Constant) and isinstance(first.value, str):
            for text in _other_indices(first.value):
                yield Change(first, ast.Constant(text))
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield from _other_new_axis(node)


def _other_axes(call: ast.Call, where: ast.expr) -> Iterator[Change]:
    value = _literal(where)
    if isinstance(value, int):
        yield Change(where, _number(1 if value == 0 else 0))
    elif isinstance(value, tuple):
        for k in range(len(value)):
            rest = value[:k] + value[k + 1 :]
            elements: list[ast.expr] = [_number(item) for item in rest]
            yield Change(where, ast.Tuple(elements, ast.Load()))
    if isinstance(value, int | tuple):
        yield Change(where, ast.Constant(None))


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _number(value: int) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _other_indices(text: str) -> Iterator[str]:
    """`nc,nc->c` becomes `nc,nc->n`; `ij,jk->ik` becomes `ij,jk->ki`, or has an operand transposed."""
    inputs, arrow, output = text.partition("->")
    if not arrow:
        return
    for letter in sorted({*inputs} - {*output, ",", ".", " "}):
        for old in sorted({*output} - {*". "}):
            yield f"{inputs}->{output.replace(old, letter)}"
    if len(output) > 1 and output[-2:].isalpha():
        yield f"{inputs}->{output[:-2]}{output[-1]}{output[-2]}"
    operands = inputs.split(",")
    for k, operand in enumerate(operands):
        if len(operand) > 1 and operand[-2:].isalpha():
            swapped = [*operands[:k], operand[:-2] + operand[-1] + operand[-2], *operands[k + 1 :]]
            yield f"{','.join(swapped)}->{output}"


def _other_new_axis(node: ast.Subscript) -> Iterator[Change]:
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if any(isinstance(part, ast.Constant) and part.value is None for part in parts) or any(
        isinstance(part, ast.Attribute) and part.attr == "newaxis" for part in parts
    ):
        yield Change(node, node.value)
        if len(parts) > 1:
            # The whole of it: Python writes a tuple with a slice only inside brackets.
            moved = ast.Tuple([*parts[1:], parts[0]], ast.Load())
            yield Change(node, ast.Subscript(node.value, moved, node.ctx))


def reduction(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """Sum and mean, max and min; none at all."""
    name, operands, method = scope.called(node)
    if not isinstance(node, ast.Call) or scope.is_left(node) or not operands or scope.is_size(node):
        return
    if name == "vecdot" and len(operands) > 1:
        yield Change(node, ast.BinOp(operands[0], ast.Mult(), operands[1]))
    if name not in REDUCTIONS or (not method and isinstance(node.func, ast.Name) and len(operands) != 1):
        return
    if name in _OTHERS and isinstance(node.func, ast.Attribute):
        yield Change(node.func, ast.Attribute(node.func.value, _OTHERS[name], ast.Load()))
    yield Change(node, operands[0])


def keepdims(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """True becomes False, and False True."""
    if isinstance(node, ast.keyword) and node.arg == "keepdims" and isinstance(node.value, ast.Constant):
        if not isinstance(node.value.value, bool):
            return
        how = f"keepdims={node.value.value} becomes keepdims={not node.value.value}"
        yield Change(node.value, ast.Constant(not node.value.value), how)


def transpose(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """x.T becomes x; a @ b becomes b @ a, a @ b.T and a.T @ b."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT") and not scope.is_left(node):
        yield Change(node, node.value)
    name, operands, _ = scope.called(node)
    if isinstance(node, ast.Call) and name in _TRANSPOSES and operands:
        yield Change(node, operands[0])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield Change(node, ast.BinOp(node.right, node.op, node.left))
        for operand in (node.left, node.right):
            if not (isinstance(operand, ast.Attribute) and operand.attr == "T"):
                yield Change(operand, ast.Attribute(operand, "T", ast.Load()))
    if isinstance(node, ast.Call) and name in ("dot", "matmul", "outer") and len(operands) == 2:
        swapped = [operands[1], operands[0]]
        if len(node.args) == 2:
            yield Change(node, ast.Call(node.func, swapped, node.keywords))
