"""One training run on several processes, started by torchrun: each has its share of every batch.

The gradient is that of the whole batch: DistributedDataParallel takes the mean of the shares' gradients, which is right
where the shares are of one size, and batch normalisation sees all shares (`demos.synced_batch_norm`).
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from demos.copies import Arrays, Copies
from demos.errors import OptionError
from demos.learners import Array, Learner, Scores
from demos.run_folder import Row, RunFolder
from demos.synced_batch_norm import synchronise


def count() -> int:
    """Processes that torchrun has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this one is, from 0."""
    return int(os.environ.get("RANK", "0"))


@contextmanager
def processes(device: str) -> Iterator[None]:
    """Let this process talk to the others, over NCCL between GPUs and over gloo else; alone, do nothing."""
    if count() == 1:
        yield
        return
    import torch
    from torch import distributed

    if device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def share(indices: Array) -> Array:
    """The part of a batch, or of anything in order, that falls to this process."""
    return indices[rank() :: count()]


def check(batch_size: int) -> None:
    """Raise OptionError where a batch has no equal shares."""
    if batch_size % count():
        raise OptionError(f"--batch-size {batch_size} has no {count()} equal shares; give a multiple of {count()}")


def parallel(network: Any) -> Any:
    """What to call in place of a network, so that backward leaves the mean of all processes' gradients."""
    from torch.nn.parallel import DistributedDataParallel

    # Buffers need no exchange: synchronised statistics are the same everywhere. The setting's name has changed.
    known = inspect.signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    setting: dict[str, Any] = {name: False}
    return DistributedDataParallel(synchronise(network), **setting)


class SharedLearner:
    """A learner that sees its share of the images, with the scores of all of them."""

    def __init__(self, learner: Learner, device: str) -> None:
        self._learner, self._device = learner, device

    def step(self, images: Array, labels: Array, step: int) -> Scores:
        return self._mean(self._learner.step(images, labels, step), len(labels))

    def evaluate(self, images: Array, labels: Array) -> Scores:
        return self._mean(self._learner.evaluate(share(images), share(labels)), len(share(labels)))

    def state(self) -> dict[str, Array]:
        return self._learner.state()

    def load(self, state: Mapping[str, Array]) -> None:
        self._learner.load(state)

    def _mean(self, scores: Scores, size: int) -> Scores:
        import torch
        from torch.distributed import all_reduce

        sums = torch.tensor([1.0, float(scores.loss), float(scores.accuracy)], dtype=torch.float64) * size
        sums = sums.to(self._device)
        all_reduce(sums)
        return Scores(sums[1] / sums[0], sums[2] / sums[0])


class SharedCopies:
    """Copies of the network on every process, whose gradient and loss are those of the whole batch.

    All processes have to ask for the same things in the same order: they do, as each is told the same numbers.
    """

    def __init__(self, own: Copies, device: str) -> None:
        self._own, self._device = own, device

    def parameters(self) -> Arrays:
        return self._own.parameters()

    def gradient(self, rng: np.random.Generator | None = None) -> Arrays:
        return {name: self._mean(array) for name, array in self._own.gradient(rng).items()}

    def loss(self, layer: int, shifted: Arrays) -> float:
        return float(self._mean(np.array(self._own.loss(layer, shifted))))

    def _mean(self, own: Array) -> Array:
        import torch
        from torch.distributed import all_reduce

        total = torch.from_numpy(own).to(self._device)
        all_reduce(total)
        mean: Array = total.cpu().numpy() / count()
        return mean


class SharedFolder(RunFolder):
    """The run's folder, written by process 0; what is read is told to the others."""

    def __init__(self, path: Path, config: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self._own = RunFolder(path, config, resume=resume) if rank() == 0 else None

    def rows(self) -> list[Row]:
        return list(self._told(lambda folder: folder.rows()))

    def restore(self) -> tuple[int, dict[str, Array]] | None:
        found: tuple[int, dict[str, Array]] | None = self._told(lambda folder: folder.restore())
        return found

    def record(self, row: Row) -> None:
        if self._own:
            self._own.record(row)

    def checkpoint(self, step: int, state: Mapping[str, Array]) -> None:
        if self._own:
            self._own.checkpoint(step, state)

    def keep(self, name: str, content: bytes) -> None:
        if self._own:
            self._own.keep(name, content)

    def _told(self, read: Callable[[RunFolder], Any]) -> Any:
        from torch.distributed import broadcast_object_list

        told: Sequence[Any] = [read(self._own) if self._own else None]
        broadcast_object_list(told)  # type: ignore[arg-type]
        return told[0]
