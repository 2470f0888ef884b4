"""Mistakes of choice: comparisons and branches."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradlab.mutate.change import Change
from gradlab.mutate.scope import Scope

_OTHERS: dict[type[ast.cmpop], tuple[ast.cmpop, ...]] = {
    ast.Gt: (ast.GtE(), ast.Lt()),
    ast.GtE: (ast.Gt(), ast.LtE()),
    ast.Lt: (ast.LtE(), ast.Gt()),
    ast.LtE: (ast.Lt(), ast.GtE()),
    ast.Eq: (ast.NotEq(),),
    ast.NotEq: (ast.Eq(),),
}


def comparison(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """> becomes >= and <; a negation is lost."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in _OTHERS.get(type(node.ops[0]), ()):
            yield Change(node, ast.Compare(node.left, [other], node.comparators))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        yield Change(node, node.operand)


def branch(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """np.where(c, a, b) and `a if c else b` become a, or b; an `if` always or never holds; a mask is everything."""
    name, operands, method = scope.called(node)
    if isinstance(node, ast.Call) and name == "where" and len(operands) == 3 and not method:
        yield Change(node, operands[1])
        yield Change(node, operands[2])
        yield Change(node, ast.Call(node.func, [operands[0], operands[2], operands[1]], []))
    if isinstance(node, ast.IfExp):
        yield Change(node, node.body)
        yield Change(node, node.orelse)
    if isinstance(node, ast.If):
        for value in (True, False):
            yield Change(node.test, ast.Constant(value))
