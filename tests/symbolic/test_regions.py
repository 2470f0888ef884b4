from sympy import Idx, IndexedBase, Max, Min, exp, symbols, tanh

from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.derive import derive
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read
from gradlab.symbolic.special import clamp
from tests.symbolic.build import index, ref

n = Idx("n", symbols("N", integer=True))
x, c, m, e, y = map(IndexedBase, "xcmey")
own = index("n")
G = ref("grad_output", own)


def derived(*lets: tuple) -> object:
    """The derivation of y over x[n], proved."""
    derivation = derive(
        read(
            Definition(
                name="region",
                summary="",
                inputs=[given(x[n])],
                lets=[let(*item) for item in lets],
                output=y[n],
                reference="x",
            )
        )
    )
    prove(derivation)
    return derivation


def test_a_clamp_is_its_argument_between_the_bounds() -> None:
    """c (x - c / 2) with c = clamp(x, -1, 1) has the derivative c: where c moves, x - c is 0."""
    derivation = derived((c[n], clamp(x[n], -1, 1)), (y[n], c[n] * x[n] - c[n] ** 2 / 2))
    # For the backward alone c is enough; its second derivative needs to know where x is, and x then gives c too.
    assert ("c",) in {candidate.saved for candidate in derivation.candidates}
    assert derivation.saved == ("x",)


def test_the_negative_part_is_0_beside_the_mask() -> None:
    """max(x, 0) + exp(min(x, 0)): exp is 1 where the mask is, so the slope is exp(min(x, 0)) everywhere."""
    derivation = derived((m[n], Min(x[n], 0)), (e[n], exp(m[n])), (y[n], Max(x[n], 0) + e[n]))
    assert ("e",) in {candidate.saved for candidate in derivation.candidates}
    assert derivation.saved == ("x",)


def test_other_functions_stay() -> None:
    """tanh has no value at 0 that a formula gains by: its square beside the mask stays."""
    derivation = derived((m[n], Min(x[n], 0)), (e[n], tanh(m[n])), (y[n], e[n]))
    assert len(derivation.gradients["x"].value.terms) == 4
