"""One training step, forward and backward, of a network in the layers of several packages: time and saved memory.

Imports torch and NumPy: the number of threads must be in the environment before this module is imported.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import gradlab.nn
import gradlab.torch.nn
from benchmarks.networks import CLASSES, NETWORKS
from benchmarks.timing import measure, settle_allocator

NUMPY, TORCH, EAGER = "gradlab.nn", "gradlab.torch.nn", "torch.nn"
COMPILED, COMPILED_EAGER = "gradlab.torch.nn, compiled", "torch.nn, compiled"

Step = Callable[[], Any]


class _Layers:
    """gradlab.torch.nn's layers, and torch.nn's where there is nothing to derive."""

    def __getattr__(self, name: str) -> Any:
        return getattr(gradlab.torch.nn, name, None) or getattr(torch.nn, name)


def contest(
    network_name: str, batch: int, threads: int, rounds: int, seed: int, compiled: bool, alone: bool
) -> dict[str, Any]:
    """Time every package's step against each other; results must agree before anything is timed.

    Gives seconds and saved bytes by package, one entry of `seconds` per round. `alone` leaves out torch.nn's layers.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    settle_allocator()
    network = NETWORKS[network_name]
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, *network.shape)).astype("float32")
    label = rng.integers(0, CLASSES, batch)
    theirs = torch.nn.Sequential(*network.build(torch.nn))
    derived = torch.nn.Sequential(*network.build(_Layers()))
    derived.load_state_dict(theirs.state_dict())
    own = gradlab.nn.Sequential(*network.build(gradlab.nn))
    own.load_state_dict(theirs.state_dict())
    mine, reference = gradlab.torch.nn.CrossEntropyLoss(), torch.nn.CrossEntropyLoss()
    images, labels = torch.from_numpy(x), torch.from_numpy(label)
    steps = {NUMPY: _numpy_step(own, x, label), TORCH: _torch_step(derived, mine, images, labels)}
    if not alone:
        steps[EAGER] = _torch_step(theirs, reference, images, labels)
    _agree(steps)
    networks = {NUMPY: own, TORCH: derived, EAGER: theirs}
    saved = {name: _saved(step, networks[name]) for name, step in steps.items()}
    if compiled:
        steps[COMPILED] = _torch_step(torch.compile(derived), mine, images, labels)
        if not alone:
            steps[COMPILED_EAGER] = _torch_step(torch.compile(theirs), reference, images, labels)
    wall = None if threads == 1 else time.perf_counter
    samples = measure(steps, rounds=rounds, seed=seed, other_clock=wall)
    return {
        "network": network_name,
        "batch": batch,
        "threads": threads,
        "seconds": {step: list(times) for step, times in samples.seconds.items()},
        "saved_bytes": saved,
        "openblas": os.environ.get("OPENBLAS_NUM_THREADS"),
    }


def _numpy_step(network: gradlab.nn.Sequential, x: Any, label: Any) -> Step:
    loss = gradlab.nn.CrossEntropyLoss()

    def step() -> Any:
        network.zero_grad()
        value = loss(network(x), label)
        network.backward(loss.backward(), input_gradient=False)
        return value

    return step


def _torch_step(network: Any, loss: Any, images: torch.Tensor, labels: torch.Tensor) -> Step:
    def step() -> Any:
        network.zero_grad(set_to_none=True)
        value = loss(network(images), labels)
        value.backward()
        return value.detach()

    return step


def _agree(steps: dict[str, Step]) -> None:
    values = {name: float(step()) for name, step in steps.items()}
    if not np.allclose(list(values.values()), values[TORCH], rtol=1e-3):
        raise ArithmeticError(f"the losses of a step differ, so their times say nothing: {values}")


def _saved(step: Step, network: Any) -> int:
    """Bytes that a forward keeps for its backward beside the parameters: each buffer once."""
    return _kept_by_numpy(network, step) if isinstance(network, gradlab.nn.Module) else _kept_by_torch(network, step)


def _kept_by_torch(network: torch.nn.Module, step: Step) -> int:
    buffers: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        buffers[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    for parameter in network.parameters():
        buffers.pop(parameter.untyped_storage().data_ptr(), None)
    return sum(buffers.values())


def _kept_by_numpy(network: gradlab.nn.Module, step: Step) -> int:
    buffers: dict[int, int] = {}
    backward = network.backward

    def counted(*arguments: Any, **keywords: Any) -> Any:
        for _, module in network.modules():
            trace = getattr(module, "_trace", None)
            for array in trace.saved if trace else ():
                if isinstance(array, np.ndarray):
                    owner = _owner(array)
                    buffers[_address(owner)] = owner.nbytes
        return backward(*arguments, **keywords)

    network.backward = counted  # type: ignore[method-assign]
    try:
        step()
    finally:
        del network.backward
    for parameter in network.parameters():
        buffers.pop(_address(_owner(parameter.data)), None)
    return sum(buffers.values())


def _owner(array: Any) -> Any:
    """The array that holds the memory of a view."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])
