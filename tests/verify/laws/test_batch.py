"""Law "batch": permuting where it is declared, splitting where samples are independent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.errors import SignatureError
from tests.verify.laws.functions import centred, centred_backward, linear, linear_backward

SIGNATURE = "(n,i),(o,i)->(n,o)"


def check(forward: Any, backward: Any, signature: str, **options: Any) -> gradlab.Report:
    """A quick check that looks at this law alone as far as values go."""
    exclude = {"value": "tested elsewhere"}
    return gradlab.check(forward, backward, signature, profile="quick", seed=3, exclude=exclude, **options)


def test_independent_samples_pass() -> None:
    """Rows are permuted and split, gradients of the weight add up."""
    report = check(linear, linear_backward, SIGNATURE, batch="n", per_sample=True)
    assert report.verdict == "pass", str(report)
    assert report.tally.comparisons["batch"].count > 50


def test_position_in_the_batch_must_not_matter() -> None:
    """A first sample that counts double is no sample like the others."""

    def backward(grad_output, x, weight):
        grad_x, grad_weight = linear_backward(grad_output, x, weight)
        return np.concatenate((2 * grad_x[:1], grad_x[1:])), grad_weight

    report = check(linear, backward, SIGNATURE, batch="n")
    assert [(finding.law, finding.argument) for finding in report.failures] == [("batch", "x")]
    assert "samples permuted along n: grad x[" in report.failures[0].claim


def test_a_mean_over_the_batch_is_no_sum() -> None:
    """A gradient of the weight that is divided by n does not add up over parts; permuting does not see it."""

    def backward(grad_output, x, weight):
        grad_x, grad_weight = linear_backward(grad_output, x, weight)
        return grad_x, grad_weight / max(x.shape[0], 1)

    assert check(linear, backward, SIGNATURE, batch="n").verdict == "pass"
    report = check(linear, backward, SIGNATURE, batch="n", per_sample=True)
    assert {finding.argument for finding in report.failures} == {"weight"}
    assert " samples: grad weight[" in report.failures[0].claim


def test_statistics_of_the_batch_are_permutable_only() -> None:
    """Centring over the samples passes as a batch, and fails where its samples are called independent."""
    assert check(centred, centred_backward, "(n,d)->(n,d)", batch="n").verdict == "pass"
    report = check(centred, centred_backward, "(n,d)->(n,d)", batch="n", per_sample=True)
    assert [finding.law for finding in report.failures] == ["batch"]


def test_a_tie_between_samples_is_no_failure() -> None:
    """The first of two equal maxima gets the gradient: after a permutation it is another sample."""

    def backward(grad_output, x):
        gradient = np.zeros_like(x)
        if x.size:
            gradient[np.argmax(x)] = grad_output
        return gradient

    options = {"dims": {"n": (1, None)}, "batch": "n"}
    assert check(lambda x: x.max(), backward, "(n)->()", names=("x",), **options).verdict == "pass"


def test_it_can_be_excluded() -> None:
    """By name, with a reason that shows."""
    report = gradlab.check(centred, centred_backward, "(n,d)->(n,d)", batch="n", per_sample=True, profile="quick",
                           seed=1, exclude={"batch": "statistics of the batch"})  # fmt: skip
    assert report.verdict == "pass", str(report)
    assert "excluded batch: statistics of the batch" in str(report)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": "m"}, "batch='m' is no dimension of an input of '(n)->()'; known: n"),
        ({"per_sample": True}, "per_sample=True says nothing without a batch; name its dimension: batch='n'"),
        ({"batch": "n", "per_sample": True}, "per_sample=True: the output of '(n)->()' has no 'n'"),
    ],
)
def test_refused(options: dict[str, Any], message: str) -> None:
    """The value, then the remedy."""
    with pytest.raises(SignatureError) as caught:
        gradlab.check(np.sum, lambda g, x: g, "(n)->()", names=("x",), **options)
    assert str(caught.value).startswith(message)
