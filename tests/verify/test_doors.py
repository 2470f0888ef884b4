"""The public names and the ways into a check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gradlab

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", gradlab.__all__)
def test_public_names_resolve(name: str) -> None:
    """Every name in `__all__` exists and is documented."""
    assert getattr(gradlab, name).__doc__


def test_unknown_name() -> None:
    """A misspelt name is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="module 'gradlab' has no attribute 'chekc'"):
        _ = gradlab.chekc


@pytest.mark.parametrize("first", ["pass", "import gradlab.verify.report", "gradlab.check"])
def test_verify_can_be_called_whatever_was_imported(first: str) -> None:
    """`gradlab.verify` is the function and the package at once."""
    program = (
        f"import gradlab\n{first}\n"
        "gradlab.verify(lambda x: 3 * x, lambda g, x: 3 * g, '(n)->(n)', profile='quick', seed=0)\n"
        "from gradlab.verify.rows import table"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


def test_from_cached_watches_the_cache() -> None:
    """A backward that edits what forward saved is caught, though its gradient is right."""

    def forward(x):
        return x * x, (x.copy(),)

    def backward(grad_output, cache):
        (x,) = cache
        x *= 2
        return (x * grad_output,)

    report = gradlab.check(*gradlab.from_cached(forward, backward), "(n)->(n)", names=("x",), seed=0)
    assert [(finding.law, finding.argument) for finding in report.failures] == [("purity", "saved")]


def test_halves_of_two_pairs_are_two_functions() -> None:
    """Halves work alone as well: backward then runs its own forward."""
    forward, backward = gradlab.from_cached(lambda x: (3 * x, None), lambda g, cache: (3 * g,))
    np.testing.assert_array_equal(forward(np.ones(2)), [3, 3])
    np.testing.assert_array_equal(backward(np.ones(2), np.ones(2))[0], [3, 3])


def test_torch_keeps_what_strides_it_can() -> None:
    """Arrays share memory with their tensors; negative strides, read-only and misaligned memory are copied."""
    torch = pytest.importorskip("torch")
    from gradlab.adapters.torch_kernels import to_tensor
    from gradlab.verify.layouts import LAYOUTS, place

    values = np.arange(6.0).reshape(2, 3)
    for layout in LAYOUTS:
        array = place(values if layout != "broadcast" else values[:1].repeat(2, axis=0), layout).array
        tensor = to_tensor(torch, array)
        np.testing.assert_array_equal(tensor.numpy(), array)
        if layout in ("F", "transposed", "guarded slice", "broadcast"):
            assert [stride * 8 for stride in tensor.stride()] == list(array.strides)


def test_subjects_may_print_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings and floating-point flags of the code under test stay inside the check."""
    domains = {"x": gradlab.real(-1, 1)}

    def backward(grad_output, x):
        return 3 * grad_output + 0 * np.log(x * 0 + 1) + (np.log(x * 0) > 0)

    with np.errstate(all="raise"):
        options = {"names": ("x",), "domains": domains, "profile": "quick", "dtypes": ("float64",)}
        report = gradlab.check(lambda x: 3 * x, backward, "(n)->(n)", **options)
    assert report.verdict == "pass", str(report)
    assert capsys.readouterr() == ("", "")
