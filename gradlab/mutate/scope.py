"""What a mutation operator needs to know of the function around a node: parents, kinds of names, places to leave."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from gradlab.mutate.source import FunctionNode

# Attributes that say how large or of what type an array is, never what it holds.
ABOUT = frozenset({"shape", "dtype", "ndim", "size", "strides", "flags", "itemsize", "nbytes"})

# Keywords that say how to compute, not with what.
_HOW = frozenset({"axis", "keepdims", "dtype", "shape", "order", "out", "copy", "casting", "where", "optimize", "like"})

# Functions and the first positional argument (of the function form) that is a shape, an axis or a count.
_SHAPES = {
    **dict.fromkeys(("zeros", "ones", "empty", "full"), 0),
    **dict.fromkeys(
        ("reshape", "transpose", "swapaxes", "moveaxis", "broadcast_to", "repeat", "tile", "expand_dims", "squeeze"), 1
    ),
    **dict.fromkeys(("astype", "view", "take_along_axis", "put_along_axis"), 1),
}

REDUCTIONS = frozenset({"sum", "mean", "max", "min", "amax", "amin", "prod", "var", "std", "any", "all", "median"})


@dataclass
class Scope:
    """One function: `upstream` is its first parameter, `arrays` the names that may stand for each other."""

    function: FunctionNode
    modules: frozenset[str]
    parents: dict[int, ast.AST] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    arrays: dict[str, tuple[int, str]] = field(default_factory=dict)
    sizes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for node in ast.walk(self.function):
            for child in ast.iter_child_nodes(node):
                self.parents[id(child)] = node
            self._leave(node)
        self._name_kinds()

    @property
    def parameters(self) -> list[str]:
        """Names of the positional parameters, without self."""
        arguments = self.function.args
        names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        return names[1:] if names[:1] in (["self"], ["cls"]) else names

    @property
    def upstream(self) -> str:
        """The upstream gradient: the first parameter, or "" of a function without parameters."""
        return next(iter(self.parameters), "")

    def nodes(self) -> Iterator[ast.AST]:
        """Every node that may be mutated, in the order of the text: the body and the defaults of parameters."""
        arguments = self.function.args
        defaults = [*arguments.defaults, *(default for default in arguments.kw_defaults if default is not None)]
        for root in (*defaults, *self.function.body):
            yield from self._below(root)

    def _below(self, node: ast.AST) -> Iterator[ast.AST]:
        # What a check says about bad input is nobody's gradient.
        if isinstance(node, ast.Raise | ast.Assert | ast.ClassDef | ast.Import | ast.ImportFrom):
            return
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from self._below(child)

    def is_left(self, node: ast.AST) -> bool:
        """True inside shapes, axes, dtypes and subscripts, which have operators of their own."""
        return id(node) in self.left

    def parent(self, node: ast.AST) -> ast.AST | None:
        """The node around this one."""
        return self.parents.get(id(node))

    def called(self, node: ast.AST) -> tuple[str, list[ast.expr], bool]:
        """Of a call: the function's last name, its operands, and whether it is a method: `x.sum(0)` -> sum, [x, 0]."""
        if not isinstance(node, ast.Call):
            return "", [], False
        if isinstance(node.func, ast.Attribute):
            receiver = node.func.value
            method = not (isinstance(receiver, ast.Name) and receiver.id in self.modules)
            method = method and not (isinstance(receiver, ast.Attribute) and _root(receiver) in self.modules)
            return node.func.attr, [receiver, *node.args] if method else list(node.args), method
        return (node.func.id if isinstance(node.func, ast.Name) else ""), list(node.args), False

    def is_size(self, node: ast.AST) -> bool:
        """True for numbers that come from shapes: `x.shape[0]`, `len(x)`, `n * c`; False for a constant alone."""
        if isinstance(node, ast.Name):
            return node.id in self.sizes
        if isinstance(node, ast.Attribute):
            return node.attr in ABOUT
        if isinstance(node, ast.Subscript):
            return self.is_size(node.value)
        if isinstance(node, ast.Call):
            name, operands, _ = self.called(node)
            wraps = name in ("int", "float", "max", "min", "prod", "range", "enumerate")
            return name == "len" or (wraps and any(map(self.is_size, operands)))
        if isinstance(node, ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Tuple | ast.BoolOp):
            parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
            return all(self._number(part) or self.is_size(part) for part in parts) and any(map(self.is_size, parts))
        return False

    def _number(self, node: ast.AST) -> bool:
        named = isinstance(node, ast.Attribute) and _root(node) in self.modules  # np.nan
        signed = isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
        return isinstance(node, ast.Constant) or signed or named

    def _leave(self, node: ast.AST) -> None:
        roots: list[ast.AST] = []
        if isinstance(node, ast.Subscript):
            roots.append(node.slice)
        if isinstance(node, ast.keyword) and node.arg in _HOW:
            roots.append(node.value)
        if isinstance(node, ast.Attribute) and node.attr in ABOUT:
            roots.append(node.value)
        name, operands, method = self.called(node)
        if name in _SHAPES and not (method and _SHAPES[name] == 0):
            roots += operands[_SHAPES[name] :]
        if name in REDUCTIONS:
            roots += operands[1:]
        for root in roots:
            self.left.update(id(inner) for inner in ast.walk(root))

    def _name_kinds(self) -> None:
        containers: set[str] = set()
        for name in self.parameters:
            self.arrays[name] = (0, "parameter")
        for node in sorted(self._assignments(), key=lambda item: item.lineno):
            if isinstance(node, ast.For):
                self.sizes.update(_targets(node.target))
                continue
            assert node.value is not None
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Tuple | ast.List) and isinstance(node.value, ast.Name):
                    containers.add(node.value.id)
                for name in _targets(target):
                    if self.is_size(node.value):
                        self.sizes.add(name)
                    else:
                        kind = f"line {node.lineno}" if isinstance(target, ast.Tuple) else "local"
                        self.arrays.setdefault(name, (node.lineno, kind))
        # cache["x"] holds an array and is none; x[0] may be one.
        for part in ast.walk(self.function):
            if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name) and _is_text(part.slice):
                containers.add(part.value.id)
        for name in (*containers, *self.sizes):
            self.arrays.pop(name, None)

    def _assignments(self) -> Iterator[ast.Assign | ast.AnnAssign | ast.For]:
        for node in ast.walk(self.function):
            if isinstance(node, ast.Assign | ast.For) or (isinstance(node, ast.AnnAssign) and node.value is not None):
                yield node


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _targets(target: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
