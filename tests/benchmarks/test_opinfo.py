import pytest

from benchmarks import opinfo


@pytest.mark.parametrize("name", ["nn.functional.relu", "softmax", "nn.functional.linear", "nn.functional.conv2d"])
def test_torchs_samples_agree(name: str) -> None:
    """On every sample that an operation covers, output and gradients are torch's; most samples are covered."""
    (entry,) = (entry for entry in opinfo.ENTRIES if entry.opinfo == name)
    found = opinfo.tally(entry)
    assert found.failures == []
    assert found.counts["forward"] == found.counts["gradient"]
    assert found.counts["forward"] + found.counts["left out"] == found.counts["samples"]
    assert 2 * found.counts["forward"] > found.counts["samples"]


def test_a_wrong_call_is_counted_and_shown() -> None:
    """Samples sent to another operation differ, and are listed."""
    found = opinfo.tally(opinfo.Entry("exp", opinfo.plain("sigmoid")))
    assert found.counts["forward differs"] > 0
    assert found.failures[0].startswith("exp: forward of")


def test_an_unknown_name_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is not compared ends with status 2 and the names that are."""
    assert opinfo.main(["conv9d"]) == 2
    assert "conv2d" in capsys.readouterr().err
