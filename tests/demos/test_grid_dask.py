"""A grid through a real Dask cluster of one worker."""

import os
from pathlib import Path

import pytest

from demos import cifar10, grid, grid_plan
from demos.grid_log import Log
from demos.grid_plan import Run

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


@pytest.mark.slow
def test_stacks_train_on_the_workers_of_a_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log holds the same evaluations as after training here."""
    cifar10.write_tree(tmp_path, "train", cifar10.sample(5, seed=1))
    cifar10.write_tree(tmp_path, "test", cifar10.sample(1, seed=2))
    runs = [Run(1, 100, batch, "adam", 2e-4, 4) for batch in (20, 50)]
    monkeypatch.setitem(grid_plan.GRIDS, "report", lambda: runs)
    given = ["--data", str(tmp_path), "--cache", str(tmp_path / "cache"), "--device", "cpu", "--eval-every", "2"]
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1", silence_logs=50
    ) as cluster:
        there = [*given, "--output", str(tmp_path / "there"), "--executor", f"dask:{cluster.scheduler_address}"]
        assert grid.main(there) == 0
    assert grid.main([*given, "--output", str(tmp_path / "here")]) == 0
    there_log, here_log = (Log(tmp_path / name / "grid.sqlite", {}).results() for name in ("there", "here"))
    assert set(there_log) == set(runs)
    for run in runs:
        assert [p.step for p in there_log[run].curve] == [2, 4]
        assert [p.loss for p in there_log[run].curve] == pytest.approx([p.loss for p in here_log[run].curve], rel=1e-4)
