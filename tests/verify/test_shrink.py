"""A shrunk case is the one that a person would write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.errors import SignatureError
from gradlab.verify.report import Finding

SQUARE = "(n)->(n)"


def shrunk(backward: Any, signature: str = SQUARE, forward: Any = np.square, **options: Any) -> Finding:
    """The first failure of a planted bug."""
    return gradlab.check(forward, backward, signature, **{"names": ("x",), "dtypes": ("float64",)} | options).failures[
        0
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_dims_and_values(seed: int) -> None:
    """One element below -0.5 in a row of two or more: the smallest such row, its other element 0."""

    def backward(g, x):
        return 2 * x * g * np.where((x < -0.5) & (x.shape[-1] >= 2), 2, 1)

    found = shrunk(backward, "(m,n)->(m,n)", seed=seed)
    assert found.sizes == {"m": 1, "n": 2}
    assert sorted(found.case["x"].reshape(-1)) == [-1, 0]
    assert (found.case["grad_output"] == 1).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_threshold(seed: int) -> None:
    """Beyond a threshold: a round number just above it."""
    found = shrunk(lambda g, x: 2 * x * g * np.where(x > 7, 2, 1), seed=seed)
    assert found.case["x"].max() == 8


@pytest.mark.parametrize("seed", [0, 1])
def test_length(seed: int) -> None:
    """Longer than eight: nine, of ones or zeros."""
    found = shrunk(lambda g, x: 2 * x * g * (1 if x.size <= 8 else 2), seed=seed)
    assert found.sizes == {"n": 9}
    assert np.isin(found.case["x"], (0, 1)).all()


def test_upstream() -> None:
    """The upstream gradient shrinks to what matters: one negative number."""
    found = shrunk(
        lambda g, x: 2 * x * np.where(g < 0, 2 * g, g), exclude={"linearity": "the value is to tell"}, seed=0
    )
    assert found.case["grad_output"].tolist() == [-1]
    assert found.case["x"].tolist() == [1]


def test_layouts() -> None:
    """Only the array whose layout matters keeps it."""
    found = shrunk(lambda g, x: 2 * x * g.ravel(order="K").reshape(g.shape), "(n,m)->(n,m)", seed=0)
    assert set(found.layouts) == {"grad_output"}
    assert found.sizes == {"n": 2, "m": 2}


def test_parameter() -> None:
    """A parameter keeps the value that fails, everything else is as simple as can be."""

    def scaled(x, p=1.0):
        return p * x

    found = shrunk(lambda g, x, p=1.0: g * min(p, 2.0), forward=scaled, params={"p": (1.0, 2.0, 3.0)}, seed=0)
    assert (found.params, found.sizes) == ({"p": 3.0}, {"n": 1})


@pytest.mark.parametrize("seed", [0, 1])
def test_emptiness(seed: int) -> None:
    """A mistake that an empty array shows as well is shown on one element; one that needs an empty array keeps it."""
    anywhere = shrunk(lambda g, x: (2 * x * g).astype(np.float32), "(m,n)->(m,n)", seed=seed)
    assert anywhere.sizes == {"m": 1, "n": 1}
    batches = shrunk(lambda g, x: (2 * x * g).tolist(), "(...)->(...)", seed=seed)
    assert batches.case["x"].size == 1
    empty = shrunk(lambda g, x: 2 * x * g if x.size else np.ones(1), "(m,n)->(m,n)", seed=seed)
    assert 0 in empty.sizes.values()


def test_where_raises_only_while_shrinking(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it raises for a size that no round has drawn costs the shrinking, not the failure."""

    def raises(*arguments: Any) -> None:
        raise SignatureError("where({'n': 3}, {}) raises ZeroDivisionError")

    monkeypatch.setattr("gradlab.verify.examination.shrink", raises)
    found = shrunk(lambda g, x: g if x.size > 8 else 2 * x * g, seed=0)
    assert (found.law, found.sizes["n"] > 8) == ("value", True)
