"""Law "contract": what a registered operation may refuse."""

import numpy as np
import pytest

pytest.importorskip("torch")

from gradlab.adapters.cached import from_cached
from gradlab.kernels.axes import to_last
from gradlab.registry import kernel, operation
from gradlab.verify.registered import report_subject


def test_a_case_that_torch_refuses_too_may_be_refused():
    """The maximum over no entries is undefined: both refuse, and the check passes."""
    module = kernel("max")
    with pytest.raises(ValueError, match="empty"):
        module.forward(np.zeros((2, 0)))
    report = report_subject(from_cached(module.forward, module.backward), operation("max"), profile="quick", seed=5)
    assert report.verdict == "pass"


def test_a_case_that_torch_takes_must_be_taken():
    """A forward that refuses equal entries is no maximum."""
    module = kernel("max")

    def forward(x, *, axis=-1):
        if x.size > 1 and len(np.unique(x)) < x.size:
            raise ValueError("two entries are equal")
        return module.forward(x, axis=axis)

    report = report_subject(from_cached(forward, module.backward), operation("max"), profile="quick", seed=5)
    assert report.verdict == "fail"
    assert "forward raises ValueError: two entries are equal" in str(report)


def test_the_last_of_equal_maxima_is_refused():
    """A registered operation promises torch's choice at ties: the first maximum, not the last."""
    module = kernel("max")

    def forward(x, *, axis=-1):
        shape, x = x.shape, to_last(x, axis)
        at = x.shape[-1] - 1 - x[..., ::-1].argmax(axis=-1)
        return np.take_along_axis(x, at[..., None], axis=-1)[..., 0], (at, x.shape[-1], axis, shape, False)

    report = report_subject(from_cached(forward, module.backward), operation("max"), seed=3)
    assert report.verdict == "fail"
    assert {finding.law for finding in report.findings if finding.severity == "failure"} == {"convention"}
