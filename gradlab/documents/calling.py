"""What a caller may vary beside the values: the axis, leading dimensions that broadcast, dimensions that hold two."""

from __future__ import annotations

from collections.abc import Iterator

from gradlab.documents.model import Code, Name, Spans, words
from gradlab.symbolic.program import Program


def calling(program: Program) -> Iterator[Spans]:
    """One sentence for each."""
    definition = program.definition
    if definition.along is not None:
        several = ", or a tuple of axes or None for all, which count as one" if definition.along.several else ""
        yield words(
            "The formulas are written with ",
            Name(definition.along.dim),
            " as the last axis; the keyword ",
            Code("axis"),
            f" of the code says which one that is{several}.",
        )
    if definition.broadcast:
        yield ("The leading dimensions of the inputs may differ as far as they broadcast.",)
    if definition.packed is not None:
        for rest, dim in definition.packed.dims.items():
            yield words(
                "To the caller the groups, as many as ",
                Name(definition.packed.groups),
                " says, and the entries ",
                Name(rest),
                " of each are one axis ",
                Name(dim),
                ".",
            )
