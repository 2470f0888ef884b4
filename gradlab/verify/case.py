"""A case: the concrete arrays that one plan stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.draws import signs
from gradlab.verify.layouts import flatten_for_broadcast
from gradlab.verify.plan import Plan
from gradlab.verify.regimes import EQUAL, MILD, cast, draw
from gradlab.verify.shapes import Shape as Shape
from gradlab.verify.shapes import fitted
from gradlab.verify.specification import Specification


@dataclass(frozen=True, slots=True)
class Case:
    """Inputs and upstream gradient of one trial, in C order, with the layouts they are to be placed in.

    `grad_output` is None until the output's shape is known; `upstream` and `seed` then draw it.
    `measured` asks for the power of the comparison, at the price of some more calls. `shared` names two arguments of
    equal values, which the law "sharing" passes as one array. `coordinates` says how many elements are compared
    one by one: "few", "many", or "all" where a case is made simpler.
    """

    sizes: Mapping[str, int]
    params: Mapping[str, Any]
    dtype: str
    inputs: tuple[Array, ...]
    grad_output: Array | None
    layouts: tuple[str, ...]
    upstream: str
    regimes: tuple[str, ...]
    seed: int
    measured: bool = False
    shared: tuple[int, int] | None = None
    coordinates: Literal["few", "many", "all"] = "few"

    @property
    def hostile(self) -> bool:
        """True where some numbers may hide others, or are special."""
        return any(regime not in MILD for regime in self.regimes)

    @property
    def empty(self) -> bool:
        """True where some input has no element."""
        return any(not array.size for array in self.inputs)

    def upstream_gradient(self, shape: Shape, dtype: np.dtype[Any]) -> Array:
        """The upstream gradient for an output of this shape."""
        if self.grad_output is not None and self.grad_output.shape == shape:
            return self.grad_output.astype(dtype)
        values = draw_upstream(self.upstream, shape, dtype, np.random.default_rng((self.seed, 1)))
        return flatten_for_broadcast(values) if self.layouts[-1] == "broadcast" else values


def build(plan: Plan, specification: Specification) -> Case:
    """Draw the arrays of a plan."""
    rng = np.random.default_rng(plan.seed)
    sizes = dict(plan.sizes)
    inputs: list[Array] = []
    for k, (argument, shape) in enumerate(zip(specification.arguments, plan.shapes, strict=True)):
        values = draw(argument.domain, plan.regimes[k], shape, sizes, rng)
        if plan.scale != 1 and argument.domain.kind in ("real", "positive", "non_negative"):
            values = np.asarray(values * plan.scale)
        if plan.layouts[k] == "broadcast" and (values.ndim > 1 or argument.domain.kind not in ("simplex", "one_hot")):
            values = flatten_for_broadcast(values)
        inputs.append(cast(values, argument.domain, plan.dtype))
    if plan.tie_arguments:
        _tie(inputs, specification, plan, rng)
    if plan.shared is not None:
        first, second = plan.shared
        # What the layout of one needs, both must have.
        source = second if plan.layouts[second] == "broadcast" else first
        inputs[first] = inputs[second] = inputs[source]
    return Case(
        sizes,
        dict(plan.params),
        plan.dtype,
        tuple(inputs),
        None,
        plan.layouts,
        plan.upstream,
        plan.regimes,
        plan.seed,
        plan.measured,
        plan.shared,
        "many" if _coordinates_matter(plan) else "few",
    )


def _coordinates_matter(plan: Plan) -> bool:
    """Equal numbers can only be judged together."""
    return plan.tie_arguments or any(regime in EQUAL for regime in plan.regimes)


def _tie(inputs: list[Array], specification: Specification, plan: Plan, rng: np.random.Generator) -> None:
    # Equal entries in different arguments: the only way to meet maximum(a, b) at a == b.
    first = int(rng.integers(len(inputs)))
    domain = specification.arguments[first].domain
    for k, argument in enumerate(specification.arguments):
        if k == first or argument.domain != domain or domain.kind in ("simplex", "one_hot"):
            continue
        model = fitted(inputs[first], inputs[k].shape) if specification.broadcast else inputs[first]
        if model is not None and model.shape == inputs[k].shape and plan.layouts[k] != "broadcast":
            inputs[k] = np.asarray(np.where(rng.random(inputs[k].shape) < 0.6, model, inputs[k]))


def draw_upstream(kind: str, shape: Shape, dtype: np.dtype[Any], rng: np.random.Generator) -> Array:
    """An upstream gradient: signed, sparse, one-hot, zero, huge, tiny, ….

    One-hot and positive ones alone, which other checkers feed, let a backward that uses abs(grad_output) pass.
    """
    single = dtype.itemsize <= 4
    values = np.asarray(rng.normal(size=shape))
    if kind == "signs":
        values = signs(rng, shape)
    elif kind == "sparse":
        values = np.asarray(np.where(rng.random(shape) < 0.6, 0.0, values))
    elif kind == "one hot":
        hot = int(rng.integers(values.size)) if values.size else 0
        values = np.zeros(shape)
        if values.size:
            values.flat[hot] = 1.0
    elif kind == "ints":
        values = np.asarray(rng.integers(-3, 4, size=shape).astype(float))
    elif kind == "huge":
        values = np.asarray(values * (1e6 if single else 1e12))
    elif kind == "tiny":
        values = np.asarray(values * (1e-6 if single else 1e-12))
    elif kind == "positive":
        values = np.asarray(np.abs(values) + 0.01)
    elif kind in ("zero", "ones"):
        values = np.full(shape, float(kind == "ones"))
    return values.astype(dtype)
