"""tensorgrad's answers: tensors with named edges, differentiated and simplified, evaluated by itself in float32.

It needs a torch that has named tensors, which the newest no longer does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp
import torch
from tensorgrad import Derivative, Ones, Variable, functions
from tensorgrad.extras.evaluate import evaluate

from benchmarks.derivatives.answer import Answer, Run, UnwritableError
from benchmarks.derivatives.problems import EPS, Array, Data, Problem


def _variables(edges: Mapping[str, str]) -> dict[str, Any]:
    """Variables by name, with their edges as in "n d"; in "i j=i" the second edge is as long as the first."""
    return {
        name: Variable(name, **{edge: sp.Symbol((size or edge).upper()) for edge, size in _edges(text)})
        for name, text in edges.items()
    }


def _edges(text: str) -> list[tuple[str, str]]:
    return [(edge, size) for edge, _, size in (part.partition("=") for part in text.split())]


_EDGES: Mapping[str, dict[str, str]] = {
    "softmax": {"x": "n d", "grad_output": "n d"},
    "log-sum-exp": {"x": "n d", "grad_output": "n"},
    "cross-entropy, soft labels": {"x": "n d", "t": "n d", "grad_output": ""},
    "cross-entropy, labels": {"x": "n d", "label": "n", "grad_output": ""},
    "batch norm": {"x": "n d", "gamma": "d", "beta": "d", "grad_output": "n d"},
    "layer norm": {"x": "n d", "gamma": "d", "beta": "d", "grad_output": "n d"},
    "RMS norm": {"x": "n d", "grad_output": "n d"},
    "attention": {"a": "q d", "b": "k d", "c": "k e", "grad_output": "q e"},
    "max": {"x": "n d", "grad_output": "n"},
    "quadratic form": {"x": "i", "A": "i j=i", "grad_output": ""},
    "trace of a product": {"x": "n d", "A": "i n", "B": "d i", "grad_output": ""},
    "Frobenius norm": {"x": "n d", "A": "i n", "B": "i d", "grad_output": ""},
    "Gram matrix": {"x": "n i", "grad_output": "i j=i"},
    "distance matrix": {"x": "n d", "z": "m d", "grad_output": "n m"},
    "Huber": {"x": "n d", "grad_output": "n d"},
}


def _loss(name: str, v: Mapping[str, Any]) -> Any:
    g, x = v["grad_output"], v["a" if name == "attention" else "x"]

    def standardised(axis: str) -> Any:
        centred = x - functions.mean(x, [axis], keepdims=True)
        variance = functions.mean(functions.pow(centred, 2), [axis])
        return centred / functions.sqrt(variance + EPS * Ones(**variance.shape))

    def cross_entropy(t: Any) -> Any:
        return functions.mean(functions.sum(t * functions.log(functions.softmax(x, ["d"])), ["d"]))

    def huber() -> Any:
        ones = Ones(**x.shape)
        near = (functions.sign(ones - functions.abs(x)) + ones) / 2
        return near * functions.pow(x, 2) / 2 + (ones - near) * (functions.abs(x) - ones / 2)

    def rms() -> Any:
        mean = functions.mean(functions.pow(x, 2), ["d"])
        return x / functions.sqrt(mean + EPS * Ones(**mean.shape))

    def distance() -> Any:
        z = v["z"]
        return functions.sum(functions.pow(x @ Ones(m=z.shape["m"]) - z @ Ones(n=x.shape["n"]), 2), ["d"])

    forms: dict[str, Callable[[], Any]] = {
        "softmax": lambda: functions.sum(g * functions.softmax(x, ["d"])),
        "log-sum-exp": lambda: functions.sum(g * functions.log(functions.sum(functions.exp(x), ["d"]))),
        "cross-entropy, soft labels": lambda: -g @ cross_entropy(v["t"]),
        "cross-entropy, labels": lambda: -g @ cross_entropy(functions.one_hot(v["label"], x.shape["d"], dim="d")),
        "batch norm": lambda: functions.sum(g * (v["gamma"] * standardised("n"))),
        "layer norm": lambda: functions.sum(g * (v["gamma"] * standardised("d"))),
        "RMS norm": lambda: functions.sum(g * rms()),
        "attention": lambda: g @ (functions.softmax(v["a"] @ v["b"], ["k"]) @ v["c"]),
        "max": lambda: g @ functions.max(x, ("d",)),
        "quadratic form": lambda: g @ (x @ v["A"] @ x.rename(i="j")),
        "trace of a product": lambda: g @ (v["A"] @ x @ v["B"]),
        "Frobenius norm": lambda: g @ functions.frobenius2(v["A"] @ x - v["B"]),
        "Gram matrix": lambda: g @ (x @ x.rename(i="j")),
        "distance matrix": lambda: g @ distance(),
        "Huber": lambda: functions.sum(g * huber()),
    }
    return forms[name]()


def answer(problem: Problem) -> Answer:
    """Raises what tensorgrad raises where it cannot."""
    if problem.name not in _EDGES:
        raise UnwritableError("its convolution has no stride")
    edges = _EDGES[problem.name]
    variables = _variables(edges)
    wrt = variables[problem.wrt]
    gradient = Derivative(_loss(problem.name, variables), wrt).full_simplify()

    def prepare(data: Data) -> Run:
        values = {variable: _named(data[name], edges[name]) for name, variable in variables.items()}

        def run() -> Array:
            found: Any = evaluate(gradient, dict(values))
            places = [_place(edge, found.names) for edge, _ in _edges(edges[problem.wrt])]
            return np.asarray(found.rename(None).permute(*places).numpy())

        return run

    return Answer(str(gradient), str(gradient).count("Variable("), prepare)


def _named(array: Array, edges: str) -> Any:
    tensor: Any = torch.tensor(np.asarray(array, np.float32))
    return tensor.rename(*(edge for edge, _ in _edges(edges))) if edges else tensor


def _place(edge: str, names: Sequence[str]) -> int:
    """Where an edge of the variable is among the derivative's, which have underscores where a name was taken."""
    return next(position for position, name in enumerate(names) if name.rstrip("_0123456789") == edge)
