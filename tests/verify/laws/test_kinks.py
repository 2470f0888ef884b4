"""A declared slope may be a parameter, and so may the place of a kink."""

from types import SimpleNamespace

import numpy as np
import pytest

from gradlab.operation import Kink
from gradlab.verify.laws.kinks import kinks


def trial(slope_at_kink: float, at: float, kink: Kink) -> SimpleNamespace:
    """What the law looks at: one entry on the kink and one beside it."""
    x = np.array([at, at + 1.0])
    return SimpleNamespace(
        specification=SimpleNamespace(arguments=(SimpleNamespace(name="x"),), kinks=(kink,)),
        case=SimpleNamespace(inputs=(x,), dtype=np.float64, params={"alpha": 0.25, "low": -2.0}),
        ran=True,
        answers=[np.array([slope_at_kink, 1.0])],
        output=x,
        grad_output=np.ones(2),
        weights=np.ones(2),
    )


@pytest.mark.parametrize(
    ("kink", "at", "slope"),
    [
        (Kink("x", where="x == 0", derivative="alpha"), 0.0, 0.25),
        (Kink("x", where="x == low", derivative=0.0), -2.0, 0.0),
        (Kink("x", where="x == -1.5", derivative=1.0), -1.5, 1.0),
    ],
)
def test_slopes_and_places_by_name(kink: Kink, at: float, slope: float) -> None:
    """The declared slope passes, another at the same place is a violation that shows both."""
    assert list(kinks(trial(slope, at, kink))) == []
    (found,) = kinks(trial(slope + 0.5, at, kink))
    assert f"at {kink.where} the declared slope is {slope:g}; backward gives {slope + 0.5:.6g}" in found.claim
