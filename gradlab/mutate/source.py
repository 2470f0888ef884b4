"""The function that is to be mutated, found in the text of its file."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gradlab.errors import SignatureError
from gradlab.verify.specification import suggestion

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """A Python file as text; `path` is only for messages and diffs."""

    path: str
    text: str

    @classmethod
    def read(cls, path: str) -> Source:
        """The source of a file; raises SignatureError for one that is no Python."""
        try:
            source = cls(path, Path(path).read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise SignatureError(f"{path}: not a Python file (not UTF-8 text)") from None
        except IsADirectoryError:
            raise SignatureError(f"{path}: a folder; name a file, {path}/file.py:function") from None
        try:
            _ = source.tree
        except (SyntaxError, ValueError) as error:
            line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
            raise SignatureError(f"{path}: not a Python file: {getattr(error, 'msg', error)}{line}") from None
        return source

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the file."""
        return ast.parse(self.text)

    @cached_property
    def functions(self) -> dict[str, FunctionNode]:
        """Functions and methods by qualified name: `linear_backward`, `Linear.backward`; the last definition counts."""
        return dict(_functions(self.tree.body, ""))

    @cached_property
    def modules(self) -> frozenset[str]:
        """Names that imports bind: `np` of `import numpy as np`."""
        names = [
            (alias.asname or alias.name).partition(".")[0]
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        ]
        return frozenset(names)

    def function(self, name: str) -> FunctionNode:
        """The function of a qualified name; raises SignatureError where the file does not define it."""
        if name not in self.functions:
            raise SignatureError(f"{self.path}: defines no function {name!r}; {suggestion(name, self.functions)}")
        return self.functions[name]


def _functions(body: list[ast.stmt], prefix: str) -> list[tuple[str, FunctionNode]]:
    found: list[tuple[str, FunctionNode]] = []
    for statement in body:
        if isinstance(statement, FunctionNode):
            found.append((prefix + statement.name, statement))
        elif isinstance(statement, ast.ClassDef):
            found += _functions(statement.body, f"{prefix}{statement.name}.")
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            found += _functions(statement.body, prefix)
            found += _functions(getattr(statement, "orelse", []), prefix)
    return found
