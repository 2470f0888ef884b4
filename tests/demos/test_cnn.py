import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gradlab.torch.nn
from demos import cifar10, cnn
from demos.fast_cnn import fast_cnn, whiten
from demos.learners import TorchLearner
from demos.networks import layers_of, report_cnn
from demos.preprocessing import mean_image
from demos.smoothing import SmoothedCrossEntropy
from tests.demos.runs import images, metrics_in

SMALL = ("--batch-size", "10", "--no-compile", "--precision", "float32")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options for a tree of made-up images."""
    return images(tmp_path_factory.mktemp("images"), train=3, test=1)


def test_first_steps_are_those_of_torch() -> None:
    """From the same seed the report's network in gradlab's layers has torch.nn's losses, to rounding.

    With SGD: Adam divides by the size of a gradient, and the biases below batch norm have nothing but rounding.
    """
    data, losses = cifar10.sample(4, seed=0), {}
    for layers in ("gradlab", "torch"):
        torch.manual_seed(42)
        package = layers_of(layers)
        network = torch.nn.Sequential(*report_cnn(package))
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-4)
        learner = TorchLearner(network, optimizer, mean_image(data.images), (3, 32, 32), package.CrossEntropyLoss())
        losses[layers] = [
            float(learner.step(data.images[step::4], data.labels[step::4], step).loss) for step in (0, 1, 2, 3)
        ]
    assert losses["gradlab"] == pytest.approx(losses["torch"], rel=1e-4)


def test_the_report_preset_is_the_report() -> None:
    """Eight convolutions, five pools and one linear layer; Adam 1e-4, batches of 32, 5,000 steps, a look every 500."""
    kinds = [type(layer).__name__ for layer in report_cnn(torch.nn)]
    assert (kinds.count("Conv2d"), kinds.count("MaxPool2d"), kinds.count("Linear")) == (8, 5, 1)
    preset = cnn._PRESETS["report"]
    found = [preset[name] for name in ("optimizer", "lr", "batch_size", "steps", "eval_every", "preprocessing")]
    assert found == ["adam", 1e-4, 32, 5000, 500, "mean-image"]


def test_the_best_preset_learns(tmp_path: Path, given: list[str]) -> None:
    """A tiny run of --preset best: the loss falls, and the folder holds what every run leaves."""
    output = tmp_path / "run"
    options = ["--preset", "best", *SMALL, "--steps", "12", "--eval-every", "1", "--optimizer", "adam", "--lr", "1e-3"]
    assert cnn.main([*given, *options, "--output", str(output)]) == 0
    rows = metrics_in(output)
    losses = [row["train_loss"] for row in rows]
    assert max(losses[-3:]) < min(losses[:2]) < 3
    assert {"config.json", "metrics.csv", "checkpoint.safetensors", "curves.png", "summary.md"} <= {
        path.name for path in output.iterdir()
    }
    assert json.loads((output / "config.json").read_text())["options"]["network"] == "fast"


def test_a_resumed_run_is_an_uninterrupted_one(
    tmp_path: Path, given: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between two evaluations and gone on with, a run ends in the same numbers to the bit."""
    options = [*given, "--preset", "best", *SMALL, "--steps", "4", "--eval-every", "2", "--lr", "0.02"]
    assert cnn.main([*options, "--output", str(tmp_path / "whole")]) == 0
    step = TorchLearner.step

    def stops(self: Any, images: Any, labels: Any, number: int) -> Any:
        if number == 3:
            raise KeyboardInterrupt
        return step(self, images, labels, number)

    with monkeypatch.context() as patched:
        patched.setattr(TorchLearner, "step", stops)
        assert cnn.main([*options, "--output", str(tmp_path / "parts")]) == 130
    assert cnn.main([*options, "--output", str(tmp_path / "parts"), "--resume"]) == 0
    assert metrics_in(tmp_path / "parts") == metrics_in(tmp_path / "whole")


def test_gradients_are_checked_while_it_trains(
    tmp_path: Path, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """--verify-every on the fast network: all layers with parameters are right, the whitened one's bias too."""
    output = tmp_path / "run"
    options = ["--preset", "best", *SMALL, "--steps", "1", "--verify-every", "1", "--output", str(output)]
    assert cnn.main([*given, *options]) == 0
    assert "gradients of 14 layers are right" in capsys.readouterr().out
    assert (output / "verification.png").is_file()


def test_whitening_is_not_trained() -> None:
    """The first layer's weight has no gradient; its bias and all the rest have one."""
    network = torch.nn.Sequential(*fast_cnn(torch.nn, (8, 8, 8)))
    whiten(network[0], torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    fixed = [name for name, parameter in network.named_parameters() if not parameter.requires_grad]
    assert fixed == ["0.weight"]


@pytest.mark.parametrize("package", [gradlab.torch.nn, torch.nn], ids=["gradlab", "torch"])
def test_smoothed_labels_are_torchs(package: Any) -> None:
    """Any package's cross-entropy, smoothed, has the value and gradient of torch's label_smoothing."""
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(5, 10, generator=generator), torch.arange(5)
    found = []
    for loss in (SmoothedCrossEntropy(package.CrossEntropyLoss(), 0.2), torch.nn.CrossEntropyLoss(label_smoothing=0.2)):
        leaf = logits.clone().requires_grad_()
        value = loss(leaf, labels)
        value.backward()
        found.append((value.detach(), leaf.grad))
    torch.testing.assert_close(found[0], found[1])


@pytest.mark.parametrize("given_options", [["--smoothing", "1.5"], ["--batch-size", "0"], ["--network", "resnet"]])
def test_bad_options_are_refused(given_options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, the option and its value; no traceback."""
    with pytest.raises(SystemExit) as caught:
        cnn.main(given_options)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert given_options[0] in error
    assert given_options[1] in error


def test_one_cycle_ends_near_nothing() -> None:
    """Over any number of steps the rate rises to its largest, falls, and never is 0 or negative."""
    for steps in (5, 100):
        rates = np.array([cnn.one_cycle(step, steps) for step in range(steps)])
        peak = rates.argmax()
        assert rates[peak] == pytest.approx(1.0)
        assert (np.diff(rates[: peak + 1]) > 0).all()
        assert (np.diff(rates[peak:]) < 0).all()
        assert 0 < rates[-1] < 2 / steps


def test_channels_last_computes_the_same() -> None:
    """The order in memory changes nothing but rounding."""
    data = cifar10.Cifar10(cifar10.sample(1, seed=0), cifar10.sample(1, seed=1), "made up", "")
    losses = []
    for order in ("--channels-last", "--no-channels-last"):
        options = cnn.parser().parse_args(["--preset", "best", "--no-compile", "--precision", "float32", order])
        losses.append(float(_learner(options, data).step(data.train.images, data.train.labels, 0).loss))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def _learner(options: argparse.Namespace, data: cifar10.Cifar10) -> TorchLearner:
    cnn.command.fill(options, {**cnn._COMMON, **cnn._PRESETS["best"]})
    return cnn.torch_learner(options, data)
