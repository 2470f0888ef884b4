"""The code of every row of ELEMENTARY, in NumPy, torch and plain Python, against mpmath at hostile values."""

import inspect
import math
from functools import cache

import mpmath
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gradlab.kernels import special  # noqa: E402 - after the check that torch is there
from gradlab.symbolic.functions import ELEMENTARY, Elementary  # noqa: E402
from gradlab.symbolic.rings import Digits, UndefinedError  # noqa: E402

FAR = (-1e4, -1e3, -104.0, -40.0, -20.5, -6.0, -1.0, -1e-3, -1e-20, 0.0, 1e-20, 1e-3, 0.5, 1.0, 6.0, 40.0, 1e3, 1e4)
BESIDE = {2: (2.5,), 3: (-0.75, 1.5)}
"""Operands beside the first, by how many the function has."""


def beside(row: Elementary) -> tuple[float, ...]:
    """The constant operands that a row is tested with."""
    return BESIDE.get(len(inspect.signature(row.derivative).parameters) - (row.name in ("clamp", "clip")), ())


@cache
def exact(row: Elementary, x: float) -> mpmath.mpf | None:
    """The value to 60 digits; None where there is none, or none that float32 holds."""
    with mpmath.workdps(60):
        operands = (np.asarray(mpmath.mpf(float(value)), dtype=object) for value in (x, *beside(row)))
        try:
            value = Digits().function(row.name, *operands)[()]
        except UndefinedError:
            return None
        return value if abs(value) < 1e37 else None


def agrees(row: Elementary, found: float, x: float, precision: np.finfo) -> bool:
    """Right to a few units in the last place of the value, and of the argument, which exponentials amplify."""
    wanted = exact(row, x)
    amplified = abs(x) ** 2 if row.name.startswith("normal") else abs(x)
    scale = abs(wanted) * (1 + amplified) + 4 * float(precision.tiny)
    return bool(abs(mpmath.mpf(float(found)) - wanted) <= 8 * float(precision.eps) * scale)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ELEMENTARY)
def test_numpy_code(name: str, dtype: type) -> None:
    """NumPy's text is right, keeps the dtype, warns of nothing, and writes into a buffer where it is given one."""
    row, precision = ELEMENTARY[name], np.finfo(dtype)
    points = [x for x in map(dtype, FAR) if exact(row, x) is not None]
    scope = {"np": np, "special": special, "x": np.array(points), "buffer": np.empty(len(points), dtype)}
    text = row.numpy.format("x", *beside(row), out="{out}")
    result = eval(text.format(out=""), scope)
    assert result.dtype == dtype
    for x, found in zip(points, result, strict=True):
        assert agrees(row, found, x, precision), (x, found, exact(row, x))
    written = eval(text.format(out=", out=buffer"), scope)
    assert written is scope["buffer"]
    np.testing.assert_array_equal(written, result)
    scope["x"] = np.array(points[0])
    assert np.shape(eval(text.format(out=""), scope)) == ()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", ELEMENTARY)
def test_torch_code(name: str, dtype: torch.dtype) -> None:
    """torch's text is right and keeps the dtype."""
    row, precision = ELEMENTARY[name], np.finfo(str(dtype).removeprefix("torch."))
    points = [x for x in torch.tensor(FAR, dtype=dtype).tolist() if exact(row, x) is not None]
    x = torch.tensor(points, dtype=dtype)
    result = eval(row.torch.format("x", *beside(row)), {"torch": torch, "math": math, "x": x})
    assert result.dtype == dtype
    for at, found in zip(points, result.tolist(), strict=True):
        assert agrees(row, found, at, precision), (at, found, exact(row, at))


@pytest.mark.parametrize("name", ELEMENTARY)
def test_code_for_numbers(name: str) -> None:
    """The text for a Python number, a parameter, gives a Python number near the exact one at moderate values."""
    row = ELEMENTARY[name]
    for x in (x for x in FAR if 1e-3 <= abs(x) <= 40 and exact(row, x) is not None):
        found = eval(row.number.format("x", *beside(row)), {"math": math, "x": x})
        assert isinstance(found, int | float)
        assert abs(found - exact(row, x)) <= 1e-14 * (1 + abs(exact(row, x)) * (1 + abs(x))), x
