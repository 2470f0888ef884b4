"""The check at the door of a kernel, which remembers what has passed."""

import numpy as np
import pytest

from gradlab import registry
from gradlab.errors import DtypeError, ShapeError
from gradlab.kernels.door import check_inputs

NAMES = ("input", "weight", "bias")


def arrays(features: int = 3, dtype: str = "float32") -> list[np.ndarray]:
    """An input with as many features, for a linear layer of three."""
    return [np.zeros((5, features), dtype), np.zeros((2, 3), "float32"), np.zeros(2, "float32")]


@pytest.mark.parametrize("anew", [False, True])
def test_what_has_passed_excuses_nothing_else(anew: bool) -> None:
    """Another shape, another dtype and other names are looked at again, each time."""
    linear, shown = registry.operation("linear"), [(1, 5, 4), (2, 3), (2,)]
    for _ in range(2):
        check_inputs(linear, arrays(), NAMES, None, {}, anew=anew)
        with pytest.raises(ShapeError, match=r"^linear: input has 4 features, weight expects 3 \(weight is \(2, 3\)\)"):
            check_inputs(linear, arrays(4), NAMES, None, {}, anew=anew)
        with pytest.raises(ShapeError, match=r"^linear: x has 4 features, .*; x is \(1, 5, 4\)$"):
            check_inputs(linear, arrays(4), ("x", "weight", "bias"), shown, {}, anew=anew)
        with pytest.raises(DtypeError, match="input is float64, weight is float32"):
            check_inputs(linear, arrays(dtype="float64"), NAMES, None, {}, anew=anew)


def test_groups_count() -> None:
    """A number of groups that has passed is not taken for another."""
    conv = registry.operation("conv1d")
    given = [np.zeros((1, 4, 6)), np.zeros((4, 2, 3)), np.zeros(4)]
    check_inputs(conv, given, NAMES, None, {"groups": 2})
    with pytest.raises(ShapeError, match="input has 4 channels, weight expects 2"):
        check_inputs(conv, given, NAMES, None, {"groups": 1})
