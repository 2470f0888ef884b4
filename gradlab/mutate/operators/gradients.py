"""Mistakes of bookkeeping: the wrong array, the wrong place, too few bits, edits of what belongs to others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from difflib import SequenceMatcher

from gradlab.mutate.change import Change, shown
from gradlab.mutate.scope import ABOUT, Scope

# Of every name, this many others are tried: the most similar ones, of the same origin first.
_OTHER_NAMES = 2


def name(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """Another array: x for x_hat, y for x, another argument for grad_output."""
    if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Load) or scope.is_left(node):
        return
    parent = scope.parent(node)
    if node.id not in scope.arrays or (isinstance(parent, ast.Attribute) and parent.attr in ABOUT):
        return
    origin = scope.arrays[node.id][1]
    known = [other for other, (line, _) in scope.arrays.items() if other != node.id and line < node.lineno]
    known.sort(
        key=lambda other: (scope.arrays[other][1] != origin, -SequenceMatcher(None, other, node.id).ratio(), other)
    )
    for other in known[:_OTHER_NAMES]:
        yield Change(node, ast.Name(other, ast.Load()), f"{other} for {node.id}")


def _returned(node: ast.AST) -> list[ast.expr]:
    if not isinstance(node, ast.Return) or node.value is None:
        return []
    return node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def order(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """Two neighbours of the returned gradients are swapped."""
    gradients = _returned(node)
    for k in range(len(gradients) - 1):
        swapped = [*gradients[:k], gradients[k + 1], gradients[k], *gradients[k + 2 :]]
        assert isinstance(node, ast.Return)
        assert node.value is not None
        yield Change(
            node.value,
            ast.Tuple(swapped, ast.Load()),
            f"returns {shown(gradients[k + 1])} before {shown(gradients[k])}",
        )


def missing(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """A returned gradient becomes zero, or None."""
    for gradient in _returned(node):
        if not _is_none(gradient):
            yield Change(gradient, ast.BinOp(ast.Constant(0), ast.Mult(), gradient), f"{shown(gradient)} becomes zero")
            yield Change(gradient, ast.Constant(None))


def dtype(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """A returned gradient is float32, or has lost the digits that float32 does not hold."""
    for gradient in _returned(node):
        if _is_none(gradient) or isinstance(gradient, ast.Starred | ast.Constant):
            continue
        single = _cast(gradient, ast.Constant("float32"))
        yield Change(gradient, single)
        if scope.upstream:
            wide = ast.Attribute(ast.Name(scope.upstream, ast.Load()), "dtype", ast.Load())
            yield Change(gradient, _cast(single, wide), f"{shown(gradient)} is rounded to float32 on the way")


def _cast(value: ast.expr, to: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(value, "astype", ast.Load()), [to], [])


def in_place(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """x.copy() becomes x; `d = grad_output * 2` becomes an edit of grad_output."""
    called, operands, _ = scope.called(node)
    copies = called == "copy" or (called in ("array", "asarray") and len(operands) == 1)
    if isinstance(node, ast.Call) and copies and operands and not isinstance(operands[0], ast.List | ast.Tuple):
        yield Change(node, operands[0])
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        value, target = node.value, node.targets[0]
        if not isinstance(value, ast.BinOp) or isinstance(value.op, ast.MatMult):
            return
        edited = value.left
        # Locals may be edited: nobody else sees them.
        if isinstance(edited, ast.Name) and edited.id in scope.arrays and scope.arrays[edited.id][1] != "local":
            stored = ast.Name(edited.id, ast.Store())
            yield Change(
                node,
                [
                    ast.AugAssign(stored, value.op, value.right),
                    ast.Assign([target], ast.Name(edited.id, ast.Load()), lineno=node.lineno),
                ],
                f"{shown(value)} is computed in {edited.id} itself",
            )


def dropped_statement(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """An update or a call without result is dropped; `+=` becomes `=`."""
    stores = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript | ast.Attribute)
    calls = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    if isinstance(node, ast.stmt) and (stores or calls or isinstance(node, ast.AugAssign)):
        yield Change(node, [ast.Pass()], f"`{shown(node)}` is dropped")
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
        yield Change(node, [ast.Assign([node.target], node.value, lineno=node.lineno)])
