import json
from pathlib import Path

import pytest

from benchmarks import growth, layers


def test_a_quick_run_prints_and_writes_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every package is timed in every round, and its memory measured; the plot is written."""
    file, picture = tmp_path / "layers.json", tmp_path / "growth.png"
    arguments = ["mlp", "--quick", "--threads", "1", "--repeats", "2", "--json", str(file), "--growth", str(picture)]
    assert layers.main(arguments) == 0
    document = json.loads(file.read_text())
    (step,) = document["steps"]
    assert {package: len(times) for package, times in step["seconds"].items()} == {
        "gradlab.nn": 2,
        "gradlab.torch.nn": 2,
        "torch.nn": 2,
    }
    assert all(0 < bytes_kept < 10**6 for bytes_kept in step["saved_bytes"].values())
    assert [entry["batch"] for entry in document["growth"]] == [1, 10, 100]
    assert picture.stat().st_size > 0
    assert "gradlab.torch.nn" in capsys.readouterr().out


def test_an_unknown_network_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is no network ends with status 2 and the names that are."""
    assert layers.main(["mpl"]) == 2
    assert "mlp" in capsys.readouterr().err


def test_slopes_are_of_large_batches_only() -> None:
    """Time that is constant below 100 and linear above has slope 1."""
    runs = [{"batch": n, "seconds": {"p": [max(n, 100) * 1e-6]}} for n in (1, 10, 100, 1000, 10_000)]
    assert growth.slopes(runs)["p"] == pytest.approx(1.0)
