"""A module made from other text than its file has; the file is never written, and sys.modules is left alone."""

from __future__ import annotations

import ast
from types import ModuleType

from gradlab.mutate.digits import divided

_DIVIDED = "__gradlab_divided__"


def variant(module: ModuleType, text: str, *, exact: bool = False) -> ModuleType:
    """A module like `module` with this text; whatever its import raises comes through.

    `exact=True` lets its functions divide plain numbers to 50 digits: `1 / n` would otherwise round before any array of
    `Digits` is met.
    """
    path = getattr(module, "__file__", None) or "<mutant>"
    tree = ast.parse(text)
    if exact:
        tree = ast.fix_missing_locations(_Exact().visit(tree))
    made = ModuleType(module.__name__)
    made.__dict__.update(
        __file__=path,
        __package__=getattr(module, "__package__", None),
        __spec__=getattr(module, "__spec__", None),
        __loader__=getattr(module, "__loader__", None),
    )
    made.__dict__[_DIVIDED] = divided
    exec(compile(tree, path, "exec"), made.__dict__)
    return made


class _Exact(ast.NodeTransformer):
    """Calls `divided` for every / inside a function."""

    def __init__(self) -> None:
        self.depth = 0

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.depth += 1
        node.body = [self.visit(statement) for statement in node.body]
        self.depth -= 1
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not self.depth or not isinstance(node.op, ast.Div):
            return node
        call = ast.Call(ast.Name(_DIVIDED, ast.Load()), [node.left, node.right], [])
        return ast.copy_location(call, node)
