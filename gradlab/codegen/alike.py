"""Whether arrays that stand twice are the same ones, in other indices: g[n,k] x[n,k] and g[n,k'] x[n,k']."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gradlab.codegen.statements import Value
from gradlab.symbolic.indices import Index


def renaming(theirs: Iterable[Value], ours: Iterable[Value]) -> dict[Index, Index] | None:
    """What each of their indices is called in ours; None where these are other arrays, or met in another way."""
    left, right = (sorted(values, key=lambda value: value.name) for values in (theirs, ours))
    if [value.name for value in left] != [value.name for value in right]:
        return None
    pairs = {pair for a, b in zip(left, right, strict=True) for pair in zip(a.layout, b.layout, strict=True)}
    found = dict(pairs)
    return found if len(pairs) == len(found) == len({*found.values()}) else None


def renamed(value: Value, names: Mapping[Index, Index]) -> Value:
    """The same array in other indices."""
    return replace(value, layout=tuple(names[index] for index in value.layout))
