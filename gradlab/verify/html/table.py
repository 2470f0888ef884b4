"""Many rows together, as a notebook shows them: the page that `gradlab verify --html` writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from gradlab.verify.flat import FlatRow
from gradlab.verify.html.page import render
from gradlab.verify.record import record
from gradlab.verify.rows import Row


class Table:
    """The rows of `verify_many` or of registered operations, in order; a sequence that a notebook shows as a page.

    >>> from gradlab.verify.many import Check, verify_many
    >>> checks = [Check("numpy:square", "numpy:multiply", "(n)->(n)", {"names": ("x",)})]
    >>> table = Table(verify_many(checks, profile="quick", seed=0), profile="quick", seed=0)
    >>> [flat.row.verdict for flat in table]
    ['fail']
    """

    def __init__(self, rows: Iterable[FlatRow | Row], *, profile: str = "", seed: int | None = None) -> None:
        self.rows = tuple(row if isinstance(row, FlatRow) else FlatRow.of(row) for row in rows)
        self.profile, self.seed = profile, seed

    def __iter__(self) -> Iterator[FlatRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def html(self) -> str:
        """The whole page."""
        return render(record((row.data for row in self.rows), profile=self.profile, seed=self.seed))

    def _repr_html_(self) -> str:
        style = "width: 100%; height: 40em; border: 0"
        return f'<iframe title="gradlab table" style="{style}" srcdoc="{escape(self.html())}"></iframe>'
