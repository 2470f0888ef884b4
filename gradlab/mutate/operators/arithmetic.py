"""Mistakes of algebra: signs, operators, terms and factors, functions, absolute values."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradlab.mutate.change import Change
from gradlab.mutate.scope import ABOUT, Scope

_SWAPS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Div(),
    ast.Div: ast.Mult(),
    ast.Pow: ast.Mult(),
}

# The same as functions, which take `out=`.
_NAMES = {
    "add": "subtract",
    "subtract": "add",
    "multiply": "divide",
    "divide": "multiply",
    "true_divide": "multiply",
    "maximum": "minimum",
    "minimum": "maximum",
    "sin": "cos",
    "cos": "sin",
    "log1p": "log",
    "expm1": "exp",
}

_DROPPED = frozenset(
    (
        "exp",
        "expm1",
        "log",
        "log1p",
        "log2",
        "log10",
        "sqrt",
        "cbrt",
        "square",
        "reciprocal",
        "negative",
        "sign",
        "sin",
        "cos",
        "tan",
        "sinh",
        "cosh",
        "tanh",
        "arcsin",
        "arccos",
        "arctan",
        "sigmoid",
        "erf",
        "clip",
        "nan_to_num",
    )
)

_ABSOLUTE = frozenset({"abs", "absolute", "fabs"})


def sign(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """-x becomes x; what is assigned or returned becomes its negative."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not scope.is_left(node):
        yield Change(node, node.operand)
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if not isinstance(targets[0], ast.Tuple | ast.List):
            yield from _negated(node.value, scope)
    if isinstance(node, ast.Return) and node.value is not None:
        for value in node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]:
            yield from _negated(value, scope)


def _negated(value: ast.expr, scope: Scope) -> Iterator[Change]:
    plain = isinstance(value, ast.Constant | ast.Tuple | ast.List | ast.Dict | ast.Compare | ast.Starred)
    # An empty array waits for its numbers.
    plain = plain or scope.called(value)[0] in ("empty", "empty_like")
    if not plain and not scope.is_size(value) and not (isinstance(value, ast.UnaryOp)):
        yield Change(value, ast.UnaryOp(ast.USub(), value))


def arithmetic(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """+ and -, * and /, ** and *, also as `+=` and as `np.add`; maximum and minimum."""
    if scope.is_left(node):
        return
    if isinstance(node, ast.BinOp) and type(node.op) in _SWAPS:
        yield Change(node, ast.BinOp(node.left, _SWAPS[type(node.op)], node.right))
    if isinstance(node, ast.AugAssign) and type(node.op) in _SWAPS:
        yield Change(node, [ast.AugAssign(node.target, _SWAPS[type(node.op)], node.value)])
    name, _, method = scope.called(node)
    if name in _NAMES and not method:
        assert isinstance(node, ast.Call)
        if isinstance(node.func, ast.Attribute):
            yield Change(node.func, ast.Attribute(node.func.value, _NAMES[name], ast.Load()))


def dropped_term(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """A + b becomes a, or b; a - b becomes a, or -b."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and not scope.is_left(node):
        yield Change(node, node.left)
        yield Change(node, node.right if isinstance(node.op, ast.Add) else ast.UnaryOp(ast.USub(), node.right))


def dropped_factor(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """A * b becomes a, or b; a / b and a ** b become a."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.Pow) and not scope.is_left(node):
        yield Change(node, node.left)
        if isinstance(node.op, ast.Mult):
            yield Change(node, node.right)


def function(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """np.exp(x) becomes x."""
    name, operands, _ = scope.called(node)
    if name in _DROPPED and operands and not scope.is_left(node):
        assert isinstance(node, ast.Call)
        yield Change(node, operands[0])


def absolute(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """Abs(x) and np.maximum(x, 0) become x; the upstream gradient becomes its absolute value."""
    if scope.is_left(node):
        return
    name, operands, _ = scope.called(node)
    if name in _ABSOLUTE or (name in ("maximum", "minimum") and operands and _is_zero(operands[-1])):
        assert isinstance(node, ast.Call)
        yield Change(node, operands[0])
    parent = scope.parent(node)
    about = isinstance(parent, ast.Attribute) and parent.attr in ABOUT
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id == scope.upstream and not about:
        yield Change(node, ast.Call(ast.Name("abs", ast.Load()), [node], []))


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0 and node.value is not False
