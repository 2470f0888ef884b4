"""Derivations evaluated in double precision, and torch's gradient of their reference, on the same inputs."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from gradlab.kernels import special
from gradlab.operation import Domain
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation, Result
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Axis
from gradlab.symbolic.rings import first_largest
from gradlab.symbolic.sample import complete, complete_named
from gradlab.symbolic.tangents import TANGENT

SCOPE = {"np": np, "special": special}


class Floats:
    """Double precision as a ring."""

    def constant(self, value: Fraction) -> float:
        return float(value)

    def add(self, left: Any, right: Any) -> Any:
        return left + right

    def multiply(self, left: Any, right: Any) -> Any:
        return left * right

    def power(self, value: Any, exponent: Fraction) -> Any:
        return np.asarray(np.asarray(value, float) ** float(exponent), dtype=object)

    def named(self, name: str) -> Any:
        return np.pi if name == "pi" else float(name)

    def function(self, name: str, value: Any, *others: Any) -> Any:
        operands = [np.asarray(item, float) for item in (value, *others)]
        text = ELEMENTARY[name].numpy.format(*(f"v{i}" for i in range(len(operands))), out="")
        return np.asarray(eval(text, SCOPE | {f"v{i}": item for i, item in enumerate(operands)}), dtype=object)

    def indicator(self, value: Any) -> Any:
        return np.asarray(np.where(np.asarray(value, float) > 0, 1.0, 0.0), dtype=object)

    def argmax(self, value: Any, axes: int, inside: Any) -> Any:
        return first_largest(value, axes, inside)

    def sum(self, value: Any, axes: tuple[int, ...]) -> Any:
        return np.asarray(value.sum(axis=axes), dtype=object)


def values(domain: Domain, shape: tuple[int, ...], sizes: Mapping[str, int], rng: np.random.Generator) -> np.ndarray:
    """Random values of a domain."""
    low, high = max(domain.minimum, -2.0), min(domain.maximum, 2.0)
    match domain.kind:
        case "labels":
            return rng.integers(0, sizes[domain.below], shape)
        case "mask":
            return rng.integers(0, 2, shape).astype(float)
        case "signs":
            return rng.choice([-1.0, 1.0], shape)
        case "one_hot":
            return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
        case "simplex":
            return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
        case "positive" | "non_negative":
            return rng.uniform(0.2, 2.0, shape)
    return rng.uniform(low + 0.05, high - 0.05, shape)


def point(derivation: Derivation, sizes: Mapping[str, int], seed: int) -> Point:
    """Random inputs, upstream gradient and tangents in double precision, with all that results mention by name."""
    program = derivation.program
    rng = np.random.default_rng(seed)
    by_axis: dict[Axis, int] = {axis: sizes[axis.name] for axis in program.axes}
    tensors: dict[str, Any] = {}
    result = Point(Floats(), by_axis, tensors)
    for given in program.inputs:
        drawn = np.asarray(values(given.domain, result.shape(given.tensor.indices), sizes, rng))
        tensors[given.tensor.name] = drawn if drawn.dtype.kind == "i" else drawn.astype(object)
    for parameter in program.definition.parameters:
        tensors[parameter.name] = np.asarray(rng.uniform(parameter.minimum, parameter.maximum), dtype=object)
    assert complete(program, result, tensors) is None
    tensors[GRAD_OUTPUT] = rng.normal(size=result.shape(program.output.indices)).astype(object)
    for given in program.wrt:
        shape = result.shape(given.tensor.indices)
        tensors[TANGENT + given.tensor.name] = np.asarray(rng.normal(size=shape), dtype=object)
    complete_named(derivation, result)
    return result


def number(result: Result, at: Point) -> np.ndarray:
    """The value of a derived quantity."""
    return np.asarray(evaluate(result.value, result.free, at), dtype=float)


def autograd(derivation: Derivation, at: Point) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The reference's output, its gradients, and the derivatives of <gradients, tangents>, all by torch."""
    program = derivation.program
    scope: dict[str, Any] = {"torch": torch, "F": functional}
    scope |= {axis.name.upper(): count for axis, count in at.sizes.items()}
    for given in program.inputs:
        value = at.tensors[given.tensor.name]
        data = torch.tensor(np.asarray(value, float if value.dtype == object else int))
        scope[given.tensor.name] = data.requires_grad_(given.differentiable)
    for parameter in program.parameters:
        scope[parameter] = float(at.tensors[parameter])
    output = eval(program.definition.reference, scope)  # what torch is asked comes from examples.py
    wrt = [given.tensor.name for given in program.wrt]
    upstream = torch.tensor(np.asarray(at.tensors[GRAD_OUTPUT], float)).reshape(output.shape)
    leaves = [scope[name] for name in wrt]
    found = torch.autograd.grad(output, leaves, upstream, create_graph=True, materialize_grads=True)
    slope = sum(
        (gradient * torch.tensor(np.asarray(at.tensors[TANGENT + name], float))).sum()
        for name, gradient in zip(wrt, found, strict=True)
    )
    products: Sequence[torch.Tensor] = [torch.zeros_like(leaf) for leaf in leaves]
    if slope.requires_grad:
        products = torch.autograd.grad(slope, leaves, materialize_grads=True)
    both = [{n: v.numpy(force=True) for n, v in zip(wrt, values, strict=True)} for values in (found, products)]
    return output.detach().numpy(), *both
