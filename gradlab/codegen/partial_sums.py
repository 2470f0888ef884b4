"""A sum over many axes is added up from one over fewer of them, where a routine needs both.

sum[n,h,w](g x) follows from sum[h,w](g x), which is small: the large arrays are read once for the two of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from gradlab.codegen.alike import renamed, renaming
from gradlab.codegen.statements import Reduce, Statement, Value


def nested_sums(statements: Iterable[Statement]) -> list[Statement]:
    """The same statements with each sum that has a part elsewhere made of that part, which then stands before it."""
    result = list(statements)
    for whole in [s for s in result if isinstance(s, Reduce)]:
        for part in [s for s in result if isinstance(s, Reduce)]:
            made = _partial(part, whole)
            if made is not None and not _changed(whole, part, result):
                place = result.index(whole)
                rest = tuple(index for index in whole.bound if index in made.layout)
                result[place] = replace(whole, operands=(made,), bound=rest)
                if result.index(part) > place:
                    result.remove(part)
                    result.insert(place, part)
                break
    return result


def _partial(part: Reduce, whole: Reduce) -> Value | None:
    """The result of a sum in the indices of another one, of the same product over more axes; else None."""
    names = renaming(part.operands, whole.operands)
    if names is None or not {names[index] for index in part.bound} < set(whole.bound):
        return None
    return renamed(part.target, names)


def _changed(whole: Reduce, part: Reduce, statements: Sequence[Statement]) -> bool:
    """Whether anything that is summed is written between the two sums."""
    first, last = sorted((statements.index(whole), statements.index(part)))
    between = statements[first:last]
    written = {getattr(s, kind).name for s in between for kind in ("target", "array") if hasattr(s, kind)}
    return not written.isdisjoint(value.name for value in whole.operands)
