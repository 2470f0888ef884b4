"""The lines of a backward that serve one gradient alone are put behind a question: is that gradient needed.

A network's first layer needs no gradient of its input, which is a third of that layer's work. The lines are read as
Python, so that both libraries and every kind of statement are treated alike.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

_LIBRARIES = ("np", "torch", "math")

Block = tuple[tuple[str, ...], frozenset[int]]
"""Lines that belong together, and the positions of the results that depend on them."""


def guarded(lines: Sequence[str], results: Sequence[str], array: str) -> tuple[list[str], list[str]]:
    r"""The lines with `if needs[k]:` before those that only result k depends on, and the results as names.

    `array` is the type of a result in the library.

    >>> lines, results = guarded(["a = g * x", "b = g.sum()"], ["a", "b.T", "None"], "Array")
    >>> print(*lines, sep="\n")
    a: Array | None = None
    b: Array | None = None
    if needs[0]:
        a = g * x
    if needs[1]:
        b = g.sum()
        b = b.T
    >>> results
    ['a', 'b', 'None']
    """
    named = [_name(result) for result in results]
    shaped = [f"{name} = {result}" for name, result in zip(named, results, strict=True) if name != result]
    blocks = _blocks([*lines, *shaped], named)
    if not all(users for _, users in blocks):
        # A line without a user works on a view of something; which lines belong to it cannot be told from names.
        return list(lines), list(results)
    text: list[str] = []
    current: frozenset[int] = frozenset()
    for own, users in blocks:
        single = users if len(users) == 1 else frozenset()
        if single and single != current:
            text.append(f"if needs[{min(single)}]:")
        current = single
        text += [f"    {line}" for line in own] if single else own
    first = [next((users for own, users in blocks if name in _targets(own)), frozenset()) for name in named]
    missing = [name for k, (name, users) in enumerate(zip(named, first, strict=True)) if users == {k}]
    return [*(f"{name}: {array} | None = None" for name in missing), *text], named


def _name(result: str) -> str:
    """The array that a result is a view of, or that a helper takes: grad_x of from_last(grad_x.T, axis)."""
    node = ast.parse(result, mode="eval").body
    while not isinstance(node, ast.Name | ast.Constant):
        match node:
            case ast.Call(ast.Attribute(value)) | ast.Attribute(value):
                node = value
            case ast.Call(_, [first, *_]):
                node = first
            case _:
                raise AssertionError(f"a result is an array or a call on one, not {result}")
    return ast.unparse(node)


def _targets(lines: Sequence[str]) -> set[str]:
    return {name for node in ast.parse("\n".join(lines)).body for name in _written(node, {})}


def _blocks(lines: Sequence[str], results: Sequence[str]) -> list[Block]:
    statements = list(_statements(lines))
    views = _views(node for _, node in statements)
    users: list[set[int]] = [set() for _ in statements]
    for position, result in enumerate(results):
        needed = _names(ast.parse(result)) if result != "None" else set()
        for place in reversed(range(len(statements))):
            node = statements[place][1]
            if _written(node, views) & needed:
                users[place].add(position)
                needed = (needed - _assigned(node)) | _read([node])
    return [(own, frozenset(found)) for (own, _), found in zip(statements, users, strict=True)]


def _statements(lines: Sequence[str]) -> Iterator[tuple[tuple[str, ...], ast.stmt]]:
    """Each statement with the comment lines above it."""
    flat = "\n".join(lines).split("\n")
    start = 0
    for node in ast.parse("\n".join(flat)).body:
        end = node.end_lineno or node.lineno
        yield tuple(flat[start:end]), node
        start = end


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _assigned(node: ast.stmt) -> set[str]:
    """Names that mean something new from here on."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _read(body: Sequence[ast.stmt]) -> set[str]:
    """Names whose value before these statements matters."""
    found: set[str] = set()
    local: set[str] = set()
    for node in body:
        match node:
            case ast.Assign(value=value):
                reads = _names(value) | (_names(node) - _names(value) - _assigned(node))
            case ast.For(target=target, iter=iterable, body=inner):
                reads = _names(iterable) | (_read(inner) - _names(target))
            case _:
                reads = _names(node)
        found |= reads - local
        local |= _assigned(node)
    return found


def _views(nodes: Iterable[ast.stmt]) -> dict[str, set[str]]:
    """For each name the arrays that it may be a part of, or another shape of."""
    found: dict[str, set[str]] = {}
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Assign) and (base := _base(part.value)):
                for target in part.targets:
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, set()).add(base)
    return found


def _base(value: ast.expr) -> str:
    """The array before the first dot or bracket; "" for what is no view: products, and what functions return."""
    while isinstance(value, ast.Subscript | ast.Attribute | ast.Call):
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
            return ""
        value = value.func if isinstance(value, ast.Call) else value.value
        if isinstance(value, ast.Name) and value.id in _LIBRARIES:
            return ""
    return value.id if isinstance(value, ast.Name) else ""


def _written(node: ast.stmt, views: Mapping[str, set[str]]) -> set[str]:
    """Every name that a statement may change: what it assigns, writes into, or hands to a call without a result."""
    found: set[str] = set()
    inside: set[str] = set()
    for part in ast.walk(node):
        match part:
            case ast.Assign(targets=targets):
                found |= _assigned(part)
                inside |= {name for target in targets for name in _names(target)} - _assigned(part)
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
                inside |= _names(target)
            case ast.For(target=target):
                found |= _names(target)
            case ast.keyword(arg="out", value=value) | ast.Expr(value=value):
                inside |= _names(value)
    while further := {base for name in inside for base in views.get(name, ())} - inside:
        inside |= further
    return found | inside
