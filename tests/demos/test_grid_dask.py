"""A grid through a real Dask cluster of one worker."""

import os
from pathlib import Path

import pytest

from demos import grid, grid_plan
from demos.grid_log import Log
from demos.grid_plan import Run
from tests.demos.runs import images

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


def test_stacks_train_on_the_workers_of_a_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log holds the same evaluations as after training here."""
    runs = [Run(1, 100, batch, "adam", 2e-4, 4) for batch in (20, 50)]
    monkeypatch.setitem(grid_plan.GRIDS, "report", lambda: runs)
    given = [*images(tmp_path, train=5, test=1), "--device", "cpu", "--eval-every", "2"]
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
