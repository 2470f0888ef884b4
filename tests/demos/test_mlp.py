import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gradlab.nn
from demos import cifar10, mlp
from demos.learners import NumpyLearner, TorchLearner
from demos.networks import PIXELS, Seeded, layers_of
from demos.networks import mlp as layers
from demos.preprocessing import standardise
from tests.demos.runs import images, metrics_in

ROOT = Path(__file__).parent.parent.parent
SMALL = ("--hidden", "20,10", "--optimizer", "adam", "--lr", "1e-3", "--weights", "default", "--batch-size", "20")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options for a tree of made-up images."""
    return images(tmp_path_factory.mktemp("images"), train=8, test=2)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_the_loss_falls(tmp_path: Path, given: list[str], backend: str) -> None:
    """A tiny run learns, and its folder holds what every run leaves."""
    output = tmp_path / "run"
    options = ["--backend", backend, *SMALL, "--steps", "30", "--eval-every", "5", "--output", str(output)]
    assert mlp.main([*given, *options]) == 0
    losses = [row["train_loss"] for row in metrics_in(output)]
    assert losses[-1] < losses[0]
    assert {"config.json", "metrics.csv", "checkpoint.safetensors", "curves.png", "summary.md"} <= {
        path.name for path in output.iterdir()
    }


def test_torch_and_numpy_agree() -> None:
    """From the same weights, twenty steps have the same losses in gradlab.nn, gradlab.torch.nn and torch.nn."""
    data = cifar10.sample(20, seed=0)
    preprocess = standardise(data.images)
    package = Seeded(1)
    network = gradlab.nn.Sequential(*layers(package, (20, 10), batch_norm=package.BatchNorm1d))
    learners: list[Any] = [NumpyLearner(network, gradlab.nn.SGD(network.parameters(), lr=0.05), preprocess, (PIXELS,))]
    for name in ("gradlab", "torch"):
        torch_package = layers_of(name)
        twin = torch.nn.Sequential(*layers(torch_package, (20, 10), batch_norm=torch_package.BatchNorm1d))
        twin.load_state_dict({key: torch.tensor(value) for key, value in network.state_dict().items()})
        optimizer = torch.optim.SGD(twin.parameters(), lr=0.05)
        learners.append(TorchLearner(twin, optimizer, preprocess, (PIXELS,), torch_package.CrossEntropyLoss()))
    batches = np.random.default_rng(0).permuted(np.tile(np.arange(len(data)), (20, 1)), axis=1)[:, :50]
    ours, theirs, reference = (
        [float(learner.step(data.images[some], data.labels[some], step).loss) for step, some in enumerate(batches)]
        for learner in learners
    )
    assert ours == pytest.approx(reference, rel=1e-4)
    assert theirs == pytest.approx(reference, rel=1e-4)
    assert reference[-1] < reference[0]


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_killed_run_resumes_to_the_bit(tmp_path: Path, given: list[str], backend: str) -> None:
    """kill -9 at any moment, then --resume: every number is that of the run that nothing stopped."""
    command = [sys.executable, "-m", "demos.mlp", *given, "--backend", backend, *SMALL]
    command += ["--dropout", "0.1", "--steps", "120", "--eval-every", "3", "--output"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen([*command, str(tmp_path / "killed")], env=environment, stdout=subprocess.DEVNULL)
    metrics = tmp_path / "killed" / "metrics.csv"
    while killed.poll() is None and not (metrics.exists() and len(metrics.read_bytes().splitlines()) > 3):
        time.sleep(0.001)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert len(metrics_in(tmp_path / "killed")) < 40
    for folder, more in (("killed", ["--resume"]), ("whole", [])):
        subprocess.run([*command, str(tmp_path / folder), *more], env=environment, check=True, capture_output=True)
    assert metrics_in(tmp_path / "killed") == metrics_in(tmp_path / "whole")
    states = [(tmp_path / folder / "checkpoint.safetensors").read_bytes() for folder in ("killed", "whole")]
    assert states[0] == states[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--backend", "numpy", "--preset", "best"], "--preset best is for --backend torch"),
        (["--batch-norm", "module"], "--batch-norm module needs --backend torch"),
        (["--data", "nowhere"], "nowhere"),
        (["--batch-size", "81"], "--batch-size 81 of 80 images; give 1 to 80"),
    ],
)
def test_bad_options_are_refused(
    tmp_path: Path, given: list[str], capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    """Status 2 and one line with the value and the remedy."""
    assert mlp.main([*given, "--output", str(tmp_path / "run"), *options]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("--hidden", "400,x"), ("--dropout", "1")])
def test_bad_values_are_refused(capsys: pytest.CaptureFixture[str], option: str, value: str) -> None:
    """argparse names the option and shows the value."""
    with pytest.raises(SystemExit) as caught:
        mlp.main([option, value])
    assert caught.value.code == 2
    assert f"argument {option}: '{value}' is not a" in capsys.readouterr().err
