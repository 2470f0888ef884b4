import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import multiprocessing

import gradlab.torch.nn
from demos import cnn, distributed
from demos.errors import OptionError
from demos.synced_batch_norm import SyncedBatchNorm2d, synchronise
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


def test_gradients_are_not_checked_in_parts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Under torchrun --verify-every is refused with one line."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert cnn.main(["--verify-every", "10", "--data", str(tmp_path)]) == 2
    assert "leave torchrun out" in capsys.readouterr().err
