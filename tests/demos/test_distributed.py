import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import multiprocessing

import gradlab.torch.nn
from demos import cifar10, cnn, distributed, synced_batch_norm
from demos.copies import copies
from demos.errors import OptionError
from demos.learners import TorchLearner
from demos.preprocessing import standardise
from demos.synced_batch_norm import SyncedBatchNorm2d, synchronise
from demos.verification import Check, checks, read
from tests.demos.runs import images, metrics_in

OPTIONS = (
    "--preset",
    "report",
    "--steps",
    "4",
    "--batch-size",
    "8",
    "--eval-every",
    "2",
    "--optimizer",
    "sgd",
    "--lr",
    "1e-3",
    "--verify-every",
    "4",
)


def _process(rank: int, folder: str) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2"}
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    try:
        x, upstream = torch.load(f"{folder}/given.pt")
        layer = _layer(SyncedBatchNorm2d)
        part = x[rank::2].clone().requires_grad_()
        output = layer(part)
        output.backward(upstream[rank::2])
        for parameter in layer.parameters():
            torch.distributed.all_reduce(parameter.grad)
        torch.save(_found(layer, part, output), f"{folder}/{rank}.pt")
    finally:
        torch.distributed.destroy_process_group()


def _layer(kind: Any) -> Any:
    layer = kind(3).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([0.5, 1.0, -2.0]))
        layer.bias.copy_(torch.tensor([0.1, 0.0, 1.0]))
    return layer


def _found(layer: Any, x: Any, output: Any) -> dict[str, Any]:
    return {"output": output.detach(), "x": x.grad, "weight": layer.weight.grad, "bias": layer.bias.grad} | {
        name: buffer.double() for name, buffer in layer.named_buffers()
    }


def test_batch_norm_in_two_processes_is_that_of_the_whole_batch(tmp_path: Path) -> None:
    """Output, all gradients and running statistics are those of gradlab's layer on both halves together."""
    generator = torch.Generator().manual_seed(0)
    x, upstream = (torch.randn(6, 3, 4, 5, dtype=torch.float64, generator=generator) for _ in range(2))
    torch.save((x, upstream), tmp_path / "given.pt")
    multiprocessing.start_processes(_process, (str(tmp_path),), nprocs=2, start_method="spawn")
    whole = x.clone().requires_grad_()
    layer = _layer(gradlab.torch.nn.BatchNorm2d)
    output = layer(whole)
    output.backward(upstream)
    expected = _found(layer, whole, output)
    for rank in range(2):
        for name, tensor in torch.load(tmp_path / f"{rank}.pt").items():
            right = expected[name][rank::2] if name in ("x", "output") else expected[name]
            torch.testing.assert_close(tensor, right, rtol=1e-12, atol=1e-12)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options for a short run on made-up images."""
    return [*OPTIONS, *images(tmp_path_factory.mktemp("images"), train=3, test=1)]


def test_two_processes_train_as_one_with_the_whole_batch(tmp_path: Path, given: list[str]) -> None:
    """torchrun with two processes writes the losses and accuracies of one process with the same batch, to rounding."""
    assert cnn.main([*given, "--output", str(tmp_path / "one")]) == 0
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "demos.cnn",
    ]
    root = Path(__file__).parents[2]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    command = [*torchrun, *given, "--output", str(tmp_path / "two")]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test accuracy: best") == 1, "only one process speaks"
    one, two = ([list(row.values()) for row in metrics_in(tmp_path / name)] for name in ("one", "two"))
    assert len(one) == 2
    np.testing.assert_allclose(two, one, rtol=1e-4)
    found = read(tmp_path / "two")
    assert {check.step for check in found} == {0}
    assert all(check.right for check in found)


def test_synchronising_keeps_values_and_names() -> None:
    """Every BatchNorm2d, nested ones too, is replaced with its parameters and running statistics."""
    inner = torch.nn.Sequential(torch.nn.BatchNorm2d(4, eps=1e-3, momentum=0.3))
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), inner)
    network(torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0)))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    synced: Any = synchronise(network)
    assert isinstance(synced[1][0], SyncedBatchNorm2d)
    assert (synced[1][0].eps, synced[1][0].momentum) == (1e-3, 0.3)
    assert {name: tensor.tolist() for name, tensor in before.items()} == {
        name: tensor.tolist() for name, tensor in synced.state_dict().items()
    }


def test_a_batch_without_equal_shares_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of gradients over unequal shares would not be that of the batch; the message gives the remedy."""
    monkeypatch.setenv("WORLD_SIZE", "3")
    distributed.check(12)
    with pytest.raises(OptionError, match="--batch-size 8 has no 3 equal shares; give a multiple of 3"):
        distributed.check(8)


def test_shares_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every index is in exactly one process's share."""
    monkeypatch.setenv("WORLD_SIZE", "3")
    shares = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        shares.append(distributed.share(np.arange(10)))
    assert sorted(np.concatenate(shares).tolist()) == list(range(10))


def _checking(rank: int, folder: str) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2"}
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    try:
        learner = _learner()
        distributed.parallel(learner.network)
        right = _found_by(learner, slice(rank, None, 2))
        # Planted: the sums of batch norm's backward stay those of each process's part.
        synced_batch_norm.all_reduce = lambda sums: (
            torch.distributed.all_reduce(sums) if sums.ndim == 1 else sums.mul_(2)
        )
        torch.save((right, _found_by(learner, slice(rank, None, 2))), f"{folder}/{rank}.pt")
    finally:
        torch.distributed.destroy_process_group()


def _found_by(learner: TorchLearner, part: slice) -> list[dict[str, Any]]:
    """What the checks of a step say, without their time."""
    data = cifar10.sample(2, seed=1)
    own = copies(learner, data.images[part], data.labels[part], 0)
    seen = own if part.step is None else distributed.SharedCopies(own, "cpu")
    return [asdict(replace(check, seconds=0.0)) for check in checks(seen, 0, 0)]


def _learner() -> TorchLearner:
    torch.manual_seed(0)
    package = gradlab.torch.nn
    network = torch.nn.Sequential(
        package.Conv2d(3, 4, 3, stride=4, bias=False),
        package.BatchNorm2d(4),
        package.GELU(),
        torch.nn.Flatten(),
        package.Linear(256, 10),
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    images = cifar10.sample(2, seed=1).images
    return TorchLearner(network, optimizer, standardise(images), (3, 32, 32), package.CrossEntropyLoss())


def test_gradients_are_checked_on_the_whole_batch(tmp_path: Path) -> None:
    """Two processes find each layer right, with the slopes of one; sums of batch norm that stay apart are wrong."""
    multiprocessing.start_processes(_checking, (str(tmp_path),), nprocs=2, start_method="spawn")
    told = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    assert told[0] == told[1], "both processes are told the same"
    right, wrong = ([Check(**check) for check in found] for found in told[0])
    assert all(check.right for check in right)
    alone = [Check(**check) for check in _found_by(_learner(), slice(None))]
    assert [check.layer for check in right] == [check.layer for check in alone] == ["0", "1", "4"]
    np.testing.assert_allclose([check.slope for check in right], [check.slope for check in alone], rtol=1e-5)
    assert [check.layer for check in wrong if not check.right] == ["0"], "the layer below batch norm"
