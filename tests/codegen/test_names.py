"""Names of temporaries in generated code."""

import re

from gradlab.codegen import numpy_source
from gradlab.symbolic.derive import derive
from gradlab.symbolic.read import read
from tests.symbolic.examples import EXAMPLES


def test_a_bracket_inside_a_bracket_has_a_name_of_its_own() -> None:
    """The outer bracket is named before its first statement is there, and no other temporary takes its name."""
    (swish,) = (definition for definition in EXAMPLES if definition.name == "swish")
    source = numpy_source(derive(read(swish)))
    assert not re.search(r"^ *(\w+) \*= \1$", source, re.MULTILINE)
