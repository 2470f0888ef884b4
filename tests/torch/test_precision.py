"""bfloat16 and float16 through the torch door; batch and convention as well."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import gradlab.torch  # noqa: E402 - after the skip

DTYPES = ("float64", "float32", "float16", "bfloat16")


class Square(torch.autograd.Function):
    """x * x, with a backward that is wrong in bfloat16 only."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 2 * x * grad_outputs[0] * (1.5 if x.dtype == torch.bfloat16 else 1)


def test_ordinary_functions_pass() -> None:
    """A softmax and a layer whose samples are independent: no false alarm, and something was compared."""
    report = gradlab.torch.check(torch.nn.Linear(3, 2), "(n,3)->(n,2)", batch="n", per_sample=True, dtypes=DTYPES,
                                 profile="quick", seed=0)  # fmt: skip
    assert report.verdict == "pass", str(report)
    assert report.tally.comparisons["precision in bfloat16"].count > 50
    assert report.tally.comparisons["batch"].count > 50
    softmax = lambda x: torch.softmax(x, -1)  # noqa: E731
    report = gradlab.torch.check(softmax, "(n,d)->(n,d)", names=("x",), dtypes=DTYPES, profile="quick", seed=0)
    assert report.verdict == "pass", str(report)


def test_a_branch_of_bfloat16_is_found() -> None:
    """And float16 is not blamed for it."""
    report = gradlab.torch.check(Square, "(n)->(n)", dtypes=DTYPES, profile="quick", seed=0)
    assert [(finding.law, finding.dtype) for finding in report.failures] == [("precision", "bfloat16")], str(report)
    excluded = gradlab.torch.check(Square, "(n)->(n)", dtypes=DTYPES, profile="quick", seed=0,
                                   exclude={"precision": "documented"})  # fmt: skip
    assert excluded.verdict == "pass", str(excluded)


def test_convention() -> None:
    """torch's own relu makes torch's choice."""
    options = {"reference": torch.relu, "convention": "torch", "seed": 0}
    assert gradlab.torch.check(torch.relu, "(n)->(n)", names=("x",), **options).verdict == "pass"
    clamp = lambda x: torch.where(x >= 0, x, 0 * x)  # noqa: E731
    report = gradlab.torch.check(clamp, "(n)->(n)", names=("x",), **options)
    assert "convention" in {finding.law for finding in report.failures}, str(report)
