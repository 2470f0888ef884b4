"""What stands around the chapters: the index of rules, and the counts of all proofs on the last page."""

from gradlab.documents.book import rules, totals
from gradlab.documents.model import Number, Paragraph, Table, visible
from tests.documents.chapters import FEW, equation_numbers, proof, proved, small_book

CHAPTERS = [proved(name) for name in FEW]


def test_order() -> None:
    """The front matter comes first, the counts come last."""
    names = [item.name for item in small_book().documents]
    assert names == ["notation", *FEW, "rules", "totals"]


def test_every_equation_stands_under_its_rule() -> None:
    """The index of rules has each equation of each operation exactly once."""
    cited: dict[str, list[int]] = {name: [] for name in FEW}
    for block in rules(CHAPTERS).blocks():
        assert isinstance(block, Paragraph)
        for span in block.spans:
            if isinstance(span, Number):
                cited[span.operation].append(span.number)
    for chapter in CHAPTERS:
        assert sorted(cited[chapter.name]) == equation_numbers(chapter)


def test_every_rule_is_explained() -> None:
    """No rule of the engine is without a sentence of what it does."""
    assert all(len(section.blocks) == 2 for section in rules(CHAPTERS).sections)


def test_counts_add_up() -> None:
    """The last row has the sums, and the sentence above says them."""
    found = totals(CHAPTERS)
    (table,) = (block for block in found.blocks() if isinstance(block, Table))
    *rows, last = [[visible(cell) for cell in row] for row in table.rows]
    assert last[0] == "all"
    assert [int(cell) for cell in last[1:]] == [sum(int(row[k]) for row in rows) for k in (1, 2, 3)]
    steps, mutants = (sum(len(proof(n).steps) for n in FEW), sum(proof(n).mutants for n in FEW))
    assert visible(found.summary).startswith(f"{len(FEW)} operations, {steps} steps")
    assert f"Of {mutants} mutants the proofs rejected {mutants} (100%)" in visible(found.summary)
