"""Maxima of windows in torch: the places and values of the NumPy helper, for windows of every kind."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gradlab.kernels import torch_windows, windows  # noqa: E402 - after the check that torch is there


def drawn(seed: int) -> tuple[np.ndarray, tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple]:
    """An array with ties, and windows along one to three of its axes: with steps, holes and margins at either end."""
    rng = random.Random(seed)
    rank = rng.randint(1, 4)
    moved = sorted(rng.sample(range(rank), rng.randint(1, min(3, rank))))
    sizes = [rng.randint(1, 7) for _ in range(rank)]
    shape, steps, start, taps = list(sizes), [1] * rank, [0] * rank, []
    for axis in moved:
        shape[axis], steps[axis], start[axis] = rng.randint(1, 5), rng.randint(1, 3), rng.choice((0, 0, -1, -2, 1))
        taps.append((axis, rng.randint(1, 3), rng.randint(1, 2)))
    x = np.random.default_rng(seed).integers(-3, 4, sizes).astype(np.float64)
    return x, tuple(shape), tuple(steps), tuple(start), tuple(taps)


@pytest.mark.parametrize("seed", range(200))
def test_it_is_the_numpy_helper(seed: int) -> None:
    """Equal maxima, the first place of each, and a legal place where a window sees nothing of the array."""
    x, *windowed = drawn(seed)
    expected, places = windows.largest(x, *windowed)
    best, at = torch_windows.largest(torch.from_numpy(x), *windowed)
    np.testing.assert_array_equal(best.numpy(), expected)
    seen = np.isfinite(expected)
    np.testing.assert_array_equal(at.numpy()[seen], places[seen])
    inside = np.prod([x.shape[axis] for axis, _, _ in windowed[-1]])
    assert ((at >= 0) & (at < inside)).all()


def test_windows_of_an_empty_batch_and_of_no_channels() -> None:
    """Nothing is no error."""
    for shape in ((0, 3, 4, 4), (2, 0, 4, 4)):
        best, at = torch_windows.largest(
            torch.zeros(shape), (*shape[:2], 2, 2), (1, 1, 2, 2), (0, 0, 0, 0), ((2, 2, 1), (3, 2, 1))
        )
        assert best.shape == at.shape == (*shape[:2], 2, 2)


def test_channels_last_memory_stays() -> None:
    """A network that keeps its channels last keeps them through a pool."""
    x = torch.randn(2, 3, 6, 6).to(memory_format=torch.channels_last)
    best, _ = torch_windows.largest(x, (2, 3, 3, 3), (1, 1, 2, 2), (0, 0, 0, 0), ((2, 2, 1), (3, 2, 1)))
    assert best.is_contiguous(memory_format=torch.channels_last)
