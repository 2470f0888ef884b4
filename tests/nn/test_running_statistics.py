"""Batch normalisation's running statistics, in NumPy and on torch, beside torch's own."""

from typing import Any

import numpy as np
import pytest

import gradlab.nn

torch = pytest.importorskip("torch")

import gradlab.torch.nn  # noqa: E402 - after the check that torch is there


@pytest.mark.parametrize(
    ("package", "array", "dtype"),
    [(gradlab.nn, np.asarray, "float64"), (gradlab.torch.nn, torch.from_numpy, torch.float64)],
    ids=["numpy", "torch"],
)
@pytest.mark.parametrize("momentum", [0.3, None])
@pytest.mark.parametrize("spread", [1.0, 1e-6])
def test_they_are_torchs(package: Any, array: Any, dtype: Any, momentum: float | None, spread: float) -> None:
    """Also where the variance vanishes beside eps, so that nothing is left of it in 1 / sqrt(var + eps)."""
    mine = package.BatchNorm1d(3, eps=0.1, momentum=momentum, dtype=dtype)
    theirs = torch.nn.BatchNorm1d(3, eps=0.1, momentum=momentum, dtype=torch.float64)
    for seed in range(3):
        batch = np.random.default_rng(seed).normal(2.0, spread, (6, 3, 4))
        mine(array(batch))
        theirs(torch.from_numpy(batch))
    for name, wanted in theirs.state_dict().items():
        np.testing.assert_allclose(np.asarray(mine.state_dict()[name]), wanted.numpy(), rtol=1e-8, err_msg=name)
