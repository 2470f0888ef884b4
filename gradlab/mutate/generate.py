"""All mutants of a function."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradlab.errors import SignatureError
from gradlab.mutate.change import applied
from gradlab.mutate.operators import OPERATORS
from gradlab.mutate.scope import Scope
from gradlab.mutate.source import Source
from gradlab.verify.specification import suggestion


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong function. `text` is its whole file; `id` is the same as long as the function is."""

    id: str
    operator: str
    function: str
    line: int
    description: str
    text: str
    diff: str

    def as_dict(self) -> dict[str, object]:
        """Everything but the file's text, which the diff gives."""
        return {
            "id": self.id,
            "operator": self.operator,
            "function": self.function,
            "line": self.line,
            "description": self.description,
            "diff": self.diff,
        }


def mutants(source: Source, name: str, operators: Sequence[str] = ()) -> list[Mutant]:
    r"""The mutants of one function, each with another text, in the order of the text; by default by all operators.

    Raises SignatureError for a function that the source does not define and for an unknown operator.

    >>> source = Source("f.py", "def backward(g, x):\n    return 2 * g\n")
    >>> [mutant.description for mutant in mutants(source, "backward", ["constant", "dropped factor"])]
    ['2 * g becomes 2', '2 * g becomes g', '2 becomes 1', '2 becomes 3']
    >>> print(mutants(source, "backward", ["sign"])[0].diff, end="")
    --- f.py
    +++ f.py (2-sign-1)
    @@ -1,2 +1,2 @@
     def backward(g, x):
    -    return 2 * g
    +    return -(2 * g)
    """
    for operator in operators:
        if operator not in OPERATORS:
            raise SignatureError(f"no operator {operator!r}; {suggestion(operator, OPERATORS)}")
    function = source.function(name)
    scope = Scope(function, source.modules)
    nodes = list(scope.nodes())
    seen = {source.text}
    found: list[tuple[int, int, Mutant]] = []
    counts: Counter[tuple[int, str]] = Counter()
    for rank, (operator, change_of) in enumerate(OPERATORS.items()):
        if operators and operator not in operators:
            continue
        for node in nodes:
            for change in change_of(node, scope):
                text = applied(source, name, change)
                if text is None or text in seen:
                    continue
                seen.add(text)
                line = change.node.lineno
                counts[line, operator] += 1
                label = f"{line}-{operator.replace(' ', '-')}-{counts[line, operator]}"
                diff = _diff(source, text, label)
                found.append((line, rank, Mutant(label, operator, name, line, change.description, text, diff)))
    return [mutant for _, _, mutant in sorted(found, key=lambda item: item[:2])]


def _diff(source: Source, text: str, label: str) -> str:
    path = Path(source.path)
    name = (path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path).as_posix()
    lines = difflib.unified_diff(
        source.text.splitlines(keepends=True), text.splitlines(keepends=True), name, f"{name} ({label})", n=2
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
