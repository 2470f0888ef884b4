"""Documents for the tests: each operation is derived once."""

from functools import cache

from gradlab.codegen import numpy_source
from gradlab.documents import chapter
from gradlab.documents.model import Book, Chain, Document
from gradlab.symbolic.prove import Proof, prove
from tests.catalogue import NAMES as NAMES
from tests.catalogue import derivation as derivation

FEW = ("softmax", "batch_norm", "softmax_cross_entropy_labels", "relu")
"""With lemmas, fractions of sums, labels, and a kink."""


@cache
def proof(name: str) -> Proof:
    """Its proof."""
    return prove(derivation(name))


@cache
def document(name: str) -> Document:
    """The whole document, with code but without the record of its proof."""
    source = numpy_source(derivation(name))
    return chapter(derivation(name), code=source[source.index("def forward(") :])


@cache
def proved(name: str) -> Document:
    """The whole document, proof record included."""
    source = numpy_source(derivation(name))
    return chapter(derivation(name), proof(name), code=source[source.index("def forward(") :])


@cache
def small_book() -> Book:
    """A book of a few operations."""
    from gradlab.documents.book import book

    return book([proved(name) for name in FEW])


def equation_numbers(item: Document) -> list[int]:
    """The numbers of all numbered lines, in order."""
    chains = [block for block in item.blocks() if isinstance(block, Chain)]
    return [line.number for chain in chains for line in chain.lines if line.number]
