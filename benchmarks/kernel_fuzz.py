"""`python -m benchmarks.kernel_fuzz`: random formulas, and whether the kernels that come of them are right.

A formula is made at random (seeded): lines over tensors of one to three axes, two of which may be of one kind, with
indices in any order, sums, means, diagonals, deltas and functions. Its forward is compared with plain loops, backward,
JVP and HVP with differences of these, torch with NumPy. A formula may be refused, with a DefinitionError; nothing else
may happen.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from gradlab.codegen import numpy_source, torch_source
from gradlab.codegen.loops import loops
from gradlab.errors import DefinitionError
from gradlab.symbolic.derive import derive
from gradlab.symbolic.formula import formula, parse
from gradlab.symbolic.read import read

_SIZES = {"n": 3, "d": 2, "k": 4}
_INDICES = {"n": "nmp", "d": "def", "k": "klo"}
_TENSORS: Mapping[str, str] = {"x": "nd", "w": "dk", "z": "d", "v": "n", "A": "nn", "B": "kd", "T": "ndk", "c": ""}
# The axes of a left side, with a term that has them all: their sizes must be known.
_LEFT = {
    "nd": "x[n,d]",
    "dn": "x[n,d]",
    "nn": "A[m,n]",
    "n": "v[n]",
    "d": "z[d]",
    "": "sum[n](v[n])",
    "kd": "w[d,k]",
    "dkn": "T[n,d,k]",
    "ndk": "T[n,d,k]",
}
_FUNCTIONS = (
    "tanh({})",
    "exp(0.3*{})",
    "sin({})",
    "max({}, 0)",
    "({})**2",
    "1/(2 + ({})**2)",
    "abs({})",
    "sqrt(1 + ({})**2)",
    "softplus({})",
)
_STEP = 1e-5
_DIFFERENCES = 1e-5  # central differences in float64
_ROUNDING = 1e-8

Array = np.ndarray[Any, Any]


def formulas(count: int, seed: int) -> Iterator[str]:
    """Formulas of one to three lines."""
    for number in range(count):
        yield _Maker(random.Random(f"{seed}:{number}")).formula()


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.bound: dict[str, str] = {}

    def formula(self) -> str:
        lines = []
        for number in range(self.rng.randint(1, 3)):
            axes = self.rng.choice(list(_LEFT))
            indices: list[str] = []
            for axis in axes:
                indices.append(next(index for index in _INDICES[axis] if index not in indices))
            known = dict(zip(indices, axes, strict=True))
            inside = self.expression(known, self.rng.randint(2, 4))
            pattern = self.rng.choice(("{} + {}", "{} - {}", "{}*({})"))
            left = f"q{number}[{','.join(indices)}]" if indices else f"q{number}"
            lines.append(f"{left} = {pattern.format(_LEFT[axes], inside)}")
            self.bound[f"q{number}"] = axes
        return "\n".join(lines)

    def expression(self, known: dict[str, str], depth: int) -> str:
        """One over the indices that are known here, with the axis of each."""
        rng = self.rng
        kind = rng.random() if depth else 0.0
        if kind < 0.3:
            return self.entry(known)
        if kind < 0.55:
            left, right = (self.expression(known, depth - 1) for _ in range(2))
            return f"({left} {rng.choice('+-*')} {right})"
        if kind < 0.7:
            return rng.choice(_FUNCTIONS).format(self.expression(known, depth - 1))
        if kind < 0.92:
            axis = rng.choice([axis for axis in _INDICES if any(index not in known for index in _INDICES[axis])])
            index = next(index for index in _INDICES[axis] if index not in known)
            inside = self.expression({**known, index: axis}, depth - 1)
            return f"{rng.choice(('sum', 'sum', 'mean'))}[{index}]({inside})"
        pairs = [(i, j) for i in known for j in known if i < j and known[i] == known[j]]
        if pairs:
            left, right = rng.choice(pairs)
            return f"delta({left}, {right})*{self.expression(known, depth - 1)}"
        return rng.choice(("2", "3", "0.5"))

    def entry(self, known: dict[str, str]) -> str:
        tensors = {**_TENSORS, **self.bound}
        name = self.rng.choice([name for name, axes in tensors.items() if set(axes) <= set(known.values())])
        slots = [self.rng.choice([index for index in known if known[index] == axis]) for axis in tensors[name]]
        return f"{name}[{','.join(slots)}]" if slots else name


def check(text: str, seed: int) -> str:
    """What is wrong with the kernels of a formula, or nothing; raises DefinitionError where it is refused."""
    definition = formula(text)
    derivation = derive(read(definition))
    kernel, other = _module(numpy_source(derivation)), _module(torch_source(derivation))
    reference = _module("import math\nimport numpy as np\n" + loops(parse(text), definition))["reference"]
    rng = np.random.default_rng(seed)
    names = [str(getattr(item.entry, "base", item.entry)) for item in definition.inputs]
    inputs = [_normal(rng, [_SIZES[axis] for axis in _TENSORS[name]]) for name in names]
    tangents = [_normal(rng, array.shape) for array in inputs]
    parameters = {parameter.name: parameter.default for parameter in definition.parameters}
    numbers = _Numbers(kernel, inputs, tangents, parameters)
    expected = np.asarray(reference(*inputs, **parameters))
    grad_output = _normal(rng, expected.shape)
    found = numbers.results(grad_output)
    slope = numbers.slope(lambda moved: np.asarray(reference(*moved, **parameters)))
    vjp = sum((np.vdot(g, t) for g, t in zip(found["backward"], tangents, strict=True)), start=0.0)
    hvp = numbers.slope(lambda moved: _flat(_Numbers(kernel, moved, tangents, parameters).results(grad_output)))
    if problem := _differs("forward", found["forward"], [expected], _ROUNDING):
        return problem
    shapes = [np.shape(gradient) for gradient in found["backward"]]
    if shapes != [array.shape for array in inputs]:
        return f"backward: shapes {shapes}"
    pairs = (
        ("backward", [vjp], [np.vdot(grad_output, slope)]),
        ("jvp", found["jvp"], [slope]),
        ("hvp", [np.concatenate([np.ravel(product) for product in found["hvp"]])], [hvp]),
    )
    for name, values, wanted in pairs:
        if problem := _differs(name, values, wanted, _DIFFERENCES * (10 if name == "hvp" else 1)):
            return problem
    arrays = [torch.tensor(array) for array in (grad_output, *inputs, *tangents)]
    for label, mapped in (("torch", None), ("torch, one array mapped over,", int(rng.integers(len(arrays))))):
        for name, values in _of_torch(other, arrays, parameters, mapped).items():
            if problem := _differs(f"{label} {name}", values, found[name], _ROUNDING):
                return problem
    return ""


def _of_torch(
    module: Mapping[str, Callable[..., Any]],
    arrays: Sequence[torch.Tensor],
    parameters: Mapping[str, float],
    mapped: int | None,
) -> dict[str, list[Array]]:
    """The results for (grad_output, *inputs, *tangents); `mapped` goes through torch.func.vmap, in a batch of one."""
    count = len(arrays) // 2

    def results(*arrays: torch.Tensor) -> dict[str, list[torch.Tensor]]:
        return _Numbers(module, arrays[1 : 1 + count], arrays[1 + count :], parameters).results(arrays[0])

    if mapped is None:
        return {name: [value.numpy() for value in values] for name, values in results(*arrays).items()}
    dims = tuple(0 if k == mapped else None for k in range(len(arrays)))
    batch = (array[None] if k == mapped else array for k, array in enumerate(arrays))
    found = torch.func.vmap(results, dims)(*batch)
    return {name: [value[0].numpy() for value in values] for name, values in found.items()}


@dataclass(frozen=True)
class _Numbers:
    """A kernel module with what it is called with."""

    module: Mapping[str, Callable[..., Any]]
    inputs: Sequence[Any]
    tangents: Sequence[Any]
    parameters: Mapping[str, float]

    def results(self, grad_output: Any) -> dict[str, list[Any]]:
        with np.errstate(all="ignore"):
            output, saved = self.module["forward"](*self.inputs, **self.parameters)
            return {
                "forward": [output],
                "backward": [*self.module["backward"](grad_output, saved)],
                "jvp": [self.module["jvp"](saved, *self.tangents)],
                "hvp": [*self.module["hvp"](saved, grad_output, *self.tangents)],
            }

    def slope(self, function: Callable[[list[Array]], Array]) -> Array:
        """The derivative of a function of the inputs along the tangents."""
        ends = [
            function([array + sign * _STEP * t for array, t in zip(self.inputs, self.tangents, strict=True)])
            for sign in (1, -1)
        ]
        return np.asarray((ends[0] - ends[1]) / (2 * _STEP))


def _module(source: str) -> dict[str, Any]:
    names: dict[str, Any] = {"math": math, "np": np}
    exec(compile(source, "<kernel>", "exec"), names)  # our own generated code
    return names


def _normal(rng: np.random.Generator, shape: Sequence[int]) -> Array:
    """Numbers that no kernel may write into."""
    array = np.asarray(rng.normal(size=tuple(shape)))
    array.flags.writeable = False
    return array


def _flat(results: dict[str, list[Any]]) -> Array:
    return np.concatenate([np.ravel(gradient) for gradient in results["backward"]])


def _differs(name: str, values: Sequence[Any], wanted: Sequence[Any], tolerance: float) -> str:
    for value, other in zip(values, wanted, strict=True):
        if np.shape(value) != np.shape(other):
            return f"{name}: shape {np.shape(value)} for {np.shape(other)}"
        error, scale = np.max(np.abs(value - other), initial=0.0), 1 + np.max(np.abs(other), initial=0.0)
        if not error <= tolerance * scale:
            return f"{name}: off by {error:.2g} of {scale:.2g}"
    return ""


@dataclass
class Tally:
    """What became of the formulas."""

    right: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)


def fuzz(count: int, seed: int) -> Tally:
    """Check some formulas; failures stop nothing and are collected."""
    tally = Tally()
    for number, text in enumerate(formulas(count, seed)):
        try:
            problem = check(text, number)
        except DefinitionError as error:
            tally.refused[str(error).split("\n")[0]] += 1
            continue
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            problem = f"{type(error).__name__}: {error} ({last.name}, line {last.lineno})"
        if problem:
            tally.bad.append(f"{problem}\n    " + text.replace("\n", "\n    "))
        else:
            tally.right += 1
    return tally


def main() -> int:
    """Parse the options, fuzz, print what is wrong and a line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernel_fuzz", description=__doc__)
    parser.add_argument("--formulas", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tally = fuzz(options.formulas, options.seed)
    for problem in tally.bad:
        print(problem)
    print(
        f"{options.formulas} formulas, {tally.right} with right kernels, {tally.refused.total()} refused, "
        f"{len(tally.bad)} bad, seed {options.seed}"
    )
    return bool(tally.bad)


if __name__ == "__main__":
    sys.exit(main())
