"""A sum that has a part elsewhere in the routine is added up from that part."""

from fractions import Fraction

import pytest

from gradlab.codegen.partial_sums import nested_sums
from gradlab.codegen.statements import Coefficient, Combine, Product, Reduce, Value
from gradlab.symbolic.indices import Axis, Index

n, c, h = (Index(name, Axis(name)) for name in "nch")
m, k = Index("m", n.axis), Index("k", h.axis)
x = Value("x", (n, c, h))
TOTAL = Reduce(Value("total", (c,)), (x,), (n, h))
ROWS = Reduce(Value("rows", (m, c)), (Value("x", (m, c, k)),), (k,))
DOUBLED = Combine(x, "*", x, Product(coefficient=Coefficient(Fraction(2))), reuse=True)


@pytest.mark.parametrize("statements", [[ROWS, TOTAL], [TOTAL, ROWS]], ids=["part first", "whole first"])
def test_the_part_comes_first_and_the_whole_is_made_of_it(statements):
    """Whatever the order and the names of the indices: total[c] = sum[n](rows[n,c])."""
    assert nested_sums(statements) == [ROWS, Reduce(TOTAL.target, (Value("rows", (n, c)),), (n,))]


@pytest.mark.parametrize(
    "statements",
    [
        [TOTAL, DOUBLED, ROWS],
        [ROWS, DOUBLED, TOTAL],
        [TOTAL, Reduce(Value("other", (n, c)), (Value("y", (n, c, h)),), (h,))],
        [TOTAL, Reduce(Value("squares", (n, c)), (x, x), (h,))],
        [TOTAL, Reduce(Value("columns", (n, h)), (x,), (c,))],
        [TOTAL, Reduce(Value("again", (c,)), (x,), (n, h))],
    ],
    ids=["changed after", "changed before", "another array", "a product", "other axes", "the same axes"],
)
def test_other_sums_are_left_alone(statements):
    """A part must be of the same numbers, as they are at that point, over fewer of the same axes."""
    assert nested_sums(statements) == statements
