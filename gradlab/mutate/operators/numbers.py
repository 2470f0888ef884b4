"""Mistakes of number: constants, sizes, indices."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradlab.mutate.change import Change
from gradlab.mutate.scope import Scope

# Below this, a constant guards against a division by zero: its mutants are a missing and a larger guard.
_GUARD = 1e-2


def constant(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """2 becomes 1 and 3, 0.5 becomes 1, 1e-5 becomes 0 and ten times as much."""
    if not isinstance(node, ast.Constant) or scope.is_left(node):
        return
    if not isinstance(node.value, int | float) or isinstance(node.value, bool):
        return
    for other in _others(node.value):
        yield Change(node, ast.Constant(other))


def _others(value: float) -> tuple[float, ...]:
    if isinstance(value, int):
        return (1,) if value == 0 else (0, 2) if value == 1 else (value - 1, value + 1)
    if value == 0:
        return (1.0,)
    if abs(value) < _GUARD:
        return 0.0, 10 * value
    return (2.0,) if value == 1 else (1.0, 2 * value)


def size(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """x.shape[0] and len(x) become one less, and 1."""
    named = isinstance(node, ast.Name) and node.id in scope.sizes and isinstance(node.ctx, ast.Load)
    shape = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
    count = scope.called(node)[0] == "len" or (isinstance(node, ast.Attribute) and node.attr == "size")
    # Where shapes are built, any other size is an error that every test would see.
    if not isinstance(node, ast.expr) or scope.is_left(node) or not (named or shape or count):
        return
    if isinstance(scope.parent(node), ast.Subscript) or (shape and isinstance(getattr(node, "slice", None), ast.Slice)):
        return
    yield Change(node, ast.BinOp(node, ast.Sub(), ast.Constant(1)))
    yield Change(node, ast.Constant(1))


def index(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """x[0] becomes x[1]; the ends of slices move by one; a reversal is lost."""
    if not isinstance(node, ast.Subscript):
        return
    for part in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
        value = _whole(part)
        if value is not None:
            yield Change(part, _number(value + 1 if value >= 0 else value - 1))
        if isinstance(part, ast.Slice):
            for bound in (part.lower, part.upper):
                end = None if bound is None else _whole(bound)
                if bound is not None and end is not None:
                    yield Change(bound, _number(end + 1 if end >= 0 else end - 1))
                elif bound is not None:
                    yield Change(bound, ast.BinOp(bound, ast.Add(), ast.Constant(1)))
            if part.step is not None and _whole(part.step) == -1:
                yield Change(part, ast.Slice(part.lower, part.upper, None))
    if isinstance(node.ctx, ast.Store):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if any(isinstance(part, ast.Compare | ast.Name) for part in parts):
            yield Change(node.slice, ast.Slice(None, None, None))


def _whole(node: ast.expr) -> int | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if type(value) is int else None


def _number(value: int) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)
