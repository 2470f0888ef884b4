"""Passes over finished statements: a temporary that is used once more, in arithmetic, becomes the buffer of the result.

`part = exp(x)`, `y = part * g` become `y = exp(x)`, `y *= g`: one array less, and no pass over fresh memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from gradlab.codegen.statements import Apply, Combine, Note, Operand, Product, Statement, Value, values_of
from gradlab.symbolic.indices import Gather


def reuse(statements: Iterable[Statement], kept: Iterable[str]) -> tuple[Statement, ...]:
    """The same computation in fewer buffers; `kept` names what is handed out or was handed in."""
    result = list(statements)
    names = set(kept)
    for position, statement in enumerate(result):
        if isinstance(statement, Apply) and not statement.operand.boolean and statement.operand.name not in names:
            taken = statement.reuse or _free(result, position, statement.operand, Product())
            result[position] = replace(statement, reuse=taken)
        if not isinstance(statement, Combine) or statement.reuse or statement.left == statement.target:
            continue
        for host, other in _hosts(statement):
            if host.name not in names and _free(result, position, host, other):
                result[position] = Combine(statement.target, statement.operator, statement.target, other, reuse=True)
                result[:position] = [_renamed(item, host, statement.target) for item in result[:position]]
                break
    return tuple(result)


def mapped_alike(statements: Iterable[Statement]) -> frozenset[Combine]:
    """The arithmetic of those that `reuse` a buffer which torch.func.vmap lets them write into.

    An array that is mapped over fits into one that is mapped over too: what is on the right depends on nothing that the
    buffer does not depend on.
    """
    origins: dict[str, set[str]] = {}
    own: set[str] = set()
    found: set[Combine] = set()
    for statement in statements:
        target = getattr(statement, "target", None)
        if target is None:
            continue
        if isinstance(statement, Combine) and statement.reuse and isinstance(statement.left, Value):
            left, right = statement.left, _origins(_read(statement.right), origins)
            if left.name in own and right <= origins[left.name]:
                found.add(statement)
        read = {name for name in _read(statement) if name != target.name or name in origins}
        origins[target.name] = _origins(read, origins)
        made = isinstance(statement, Apply | Combine) and not target.constant
        (own.add if made else own.discard)(target.name)
    return frozenset(found)


def _read(item: Any) -> set[str]:
    """The arrays that an operand or a statement mentions, labels in its slots too."""
    labels = {slot.tensor for slot in getattr(item, "slots", ()) if isinstance(slot, Gather)}
    return labels | {value.name for value in values_of(item) if not value.constant}


def _origins(names: Iterable[str], known: dict[str, set[str]]) -> set[str]:
    """The arrays that were handed in and that these follow from."""
    return {origin for name in names for origin in known.get(name, {name})}


def _hosts(statement: Combine) -> list[tuple[Value, Operand]]:
    """The operands whose buffer the result may take, each with the other operand."""
    pairs = [(statement.left, statement.right)]
    if statement.operator in "+*":
        pairs.append((statement.right, statement.left))
    return [
        (host, other)
        for host, other in pairs
        if isinstance(host, Value) and not host.boolean and host.layout and host.layout == statement.target.layout
    ]


def _free(statements: list[Statement], position: int, host: Value, other: Operand) -> bool:
    """Whether the buffer is the routine's own, is as good as new, and is needed here for the last time."""
    makers = [item for item in statements[:position] if getattr(item, "target", None) == host]
    own = bool(makers) and isinstance(makers[0], Apply | Combine)
    if own and any(isinstance(item, Note) for item in statements[statements.index(makers[0]) : position]):
        return False  # the comment above its line speaks of another quantity
    later = [value.name for item in (other, *statements[position + 1 :]) for value in values_of(item)]
    # An array may go by other indices elsewhere: two sums over one product.
    renamed = any(v.name == host.name and v != host for item in statements[:position] for v in values_of(item))
    target = getattr(statements[position], "target", None)
    taken = any(target in values_of(item) for item in statements[:position])
    return own and host.name not in later and not renamed and not taken


def _renamed(item: Any, old: Value, new: Value) -> Any:
    """A statement with one value in place of another."""
    if isinstance(item, Value):
        return new if item == old else item
    if isinstance(item, tuple):
        return tuple(_renamed(part, old, new) for part in item)
    if isinstance(item, Note) or not hasattr(item, "__dataclass_fields__") or old not in values_of(item):
        return item
    return replace(item, **{field.name: _renamed(getattr(item, field.name), old, new) for field in fields(item)})
