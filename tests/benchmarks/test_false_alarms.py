"""Checks of correct backwards that once failed: each a mistake of the checker's, since mended."""

import pytest

from benchmarks.correct import report_of

ALARMS = [
    # A kink nearer than all absolute steps, while a tiny number's own drown in rounding.
    ("l1 (torch)", 66052538),
    ("l1 (torch)", 688616754),
    # Two numbers near 1e4 in float32, whose normalised values no input moves.
    ("layer_norm", 3141101842),
    # A row of two in float32: its gradient is rounding, in another order where the layout is another.
    ("layer_norm (numpy)", 37766766),
    # Sixty-five zeros, each of which may be the median.
    ("median", 3860938084),
    # The reference's rounding, where it stands alone.
    ("scaled_dot_product_attention_bias (numpy)", 2634415985),
    # (145541 + 0.35) - 145541, whose rounding no nudge shows.
    ("softmax_cross_entropy_soft_each (torch)", 367971356),
    # A bend of the forward within stretched steps looked like a kink, and torch's rounding inside it like a choice.
    ("batch_norm (torch)", 1008),
    ("batch_norm (torch)", 1030),
    # Numbers of 1e-5 at a tie: the points around it lay nearer than the steps from them.
    ("sort", 415476772),
]


@pytest.mark.parametrize(("name", "seed"), ALARMS)
def test_it_passes_now(name: str, seed: int) -> None:
    """The same cases, drawn by the same seed."""
    if "torch" in name:
        pytest.importorskip("torch")
    report = report_of(name, profile="default", seed=seed)
    assert report is not None
    assert report.verdict == "pass", str(report)
