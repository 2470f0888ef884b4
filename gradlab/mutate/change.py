"""One change of a function: a node and what stands in its place, and the text that this gives."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass

from gradlab.mutate.source import Source


@dataclass(frozen=True)
class Change:
    """`new` in place of `node`: an expression, or statements. `how` completes "line 7: ", or is made of both."""

    node: ast.expr | ast.stmt
    new: ast.expr | list[ast.stmt]
    how: str = ""

    @property
    def description(self) -> str:
        """One line: "x * 2 becomes x"."""
        if self.how:
            return self.how
        new = self.new if isinstance(self.new, list) else [self.new]
        return " becomes ".join(_trimmed(_line(self.node), "; ".join(map(_line, new))))


_LONGEST, _AROUND = 60, 12


def shown(node: ast.AST) -> str:
    """The source of a node on one short line."""
    text = _line(node)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _line(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _trimmed(old: str, new: str) -> tuple[str, str]:
    """Two texts; of long ones the part that differs, with a little around it."""
    if max(len(old), len(new)) <= _LONGEST:
        return old, new
    start = max(0, _agreement(old, new) - _AROUND)
    same = _agreement(old[start + _AROUND :][::-1], new[start + _AROUND :][::-1])
    cut = max(0, same - _AROUND)
    ends = ("…" if start else "", "…" if cut else "")
    short = [f"{ends[0]}{text[start : len(text) - cut]}{ends[1]}" for text in (old, new)]
    return short[0], short[1]


def _agreement(one: str, other: str) -> int:
    """How many characters the two begin with in common."""
    return next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def applied(source: Source, name: str, change: Change) -> str | None:
    """The file's text with the change in the function `name`; None where the text cannot say it.

    The rest of the file keeps its every character, so that the diff shows the change alone.
    """
    function = source.function(name)
    if isinstance(change.new, list):
        before = source.text.encode().splitlines()[change.node.lineno - 1][: change.node.col_offset].decode()
        indent = before if before.isspace() else ""  # spaces or tabs, as the file has them
        new = f"\n{indent}".join(line for node in change.new for line in ast.unparse(node).splitlines())
        return _checked(source, name, _spliced(source.text, change.node, new), None)
    # deepcopy takes from its memo what it finds there: the tree with the new node in the old one's place.
    wanted = ast.dump(copy.deepcopy(function, {id(change.node): change.new}))
    for form in ("{}", "({})"):
        text = _checked(source, name, _spliced(source.text, change.node, form.format(ast.unparse(change.new))), wanted)
        if text is not None:
            return text
    return None


def _spliced(text: str, node: ast.expr | ast.stmt, new: str) -> str:
    """The text with the node's characters replaced; Python counts columns in bytes."""
    lines = text.encode().splitlines(keepends=True)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: node.end_lineno - 1])) + node.end_col_offset
    whole = b"".join(lines)
    return (whole[:start] + new.encode() + whole[end:]).decode()


def _checked(source: Source, name: str, text: str, wanted: str | None) -> str | None:
    try:
        found = Source(source.path, text).functions.get(name)
    except (SyntaxError, ValueError):
        return None
    if found is None or ast.dump(found) == ast.dump(source.function(name)):
        return None
    return text if wanted is None or ast.dump(found) == wanted else None
