"""What every document holds, before any format."""

import pytest

from gradlab.codegen.files import kernels_folder
from gradlab.documents.model import Chain, Listing, Number, Section, Table, visible
from gradlab.symbolic.equations import numbered
from tests.documents.chapters import FEW, derivation, document, equation_numbers, proof, proved


def section(name: str, key: str) -> Section:
    """One section of a document with its proof."""
    (found,) = (section for section in proved(name).sections if section.key == key)
    return found


@pytest.mark.parametrize("name", FEW)
def test_every_equation_is_there_once_and_has_a_reason(name: str) -> None:
    """Each numbered equation of the derivation is one line, in order, with a reason on every line."""
    found = document(name)
    assert equation_numbers(found) == [equation.number for equation in numbered(derivation(name))]
    derived = [
        s for s in found.sections if s.key in ("definition", "lemmas", "reverse", "forward", "jacobian", "products")
    ]
    lines = [line for s in derived for block in s.blocks if isinstance(block, Chain) for line in block.lines]
    assert [line for line in lines if not visible(line.reason).strip()] == []


@pytest.mark.parametrize("name", FEW)
def test_references_lead_to_equations(name: str) -> None:
    """A reason cites only equations that the document has, and none that comes after its own line."""
    numbers = set(equation_numbers(document(name)))
    for block in document(name).blocks():
        for line in block.lines if isinstance(block, Chain) else ():
            cited = [span.number for span in line.reason if isinstance(span, Number)]
            assert set(cited) <= numbers
            assert all(line.number is None or number < line.number for number in cited)


def test_reasons_cite_definitions_and_lemmas() -> None:
    """By definition of what, and by which lemma, is said with the equation's number."""
    lines = {
        line.number: visible(line.reason)
        for block in document("batch_norm").blocks()
        if isinstance(block, Chain)
        for line in block.lines
        if line.number
    }
    assert lines[9] == "by definition of mu (1)"
    assert lines[11] == "lemma: the sum of xc is constant (9)"


def test_worked_example_holds() -> None:
    """The section has inputs, all bindings and the gradient, and the difference quotient agrees with the gradient."""
    chains = [block for block in section("softmax", "example").blocks if isinstance(block, Chain)]
    assert [getattr(chain.left, "tensor", "") for chain in chains] == ["x", "grad_output", "e", "s", "y", "grad_x"]


def test_code_is_the_kernel() -> None:
    """The listing is the committed NumPy kernel from its first function on."""
    (listing,) = (block for block in section("softmax", "code").blocks if isinstance(block, Listing))
    assert listing.text.startswith("def forward(x: Array")
    assert (kernels_folder() / "numpy" / "softmax.py").read_text().endswith(listing.text)


@pytest.mark.parametrize("name", FEW)
def test_proof_record_adds_up(name: str) -> None:
    """Steps and mutants of all parts add up to the whole, every mutant is rejected, and the seed is named."""
    blocks = section(name, "proof").blocks
    (table,) = (block for block in blocks if isinstance(block, Table))
    *parts, every = [[int(visible(cell)) for cell in row[2:]] for row in table.rows]
    assert [sum(column) for column in zip(*parts, strict=True)] == every
    assert every == [len(proof(name).steps), proof(name).mutants, proof(name).killed]
    assert proof(name).killed == proof(name).mutants
    assert f"seed {proof(name).seed}" in visible(blocks[0].spans)  # type: ignore[union-attr]


def test_conventions_are_said() -> None:
    """Kinks with their declared slope, the shift, and inputs without a gradient."""
    said = " ".join(visible(block.spans) for block in section("relu", "special").blocks)  # type: ignore[union-attr]
    assert said == "At x == 0 the derivative with respect to x is 0 by convention."
    said = " ".join(
        visible(block.spans)  # type: ignore[union-attr]
        for block in section("softmax_cross_entropy_labels", "special").blocks
    )
    assert "There is no gradient with respect to label." in said
    assert "subtracts the maximum of x over d first" in said
