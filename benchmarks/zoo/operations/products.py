"""Products of matrices: linear layers, attention, forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.zoo.operations.elementwise import unbroadcast
from benchmarks.zoo.operations.rows import softmax
from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array
from gradlab.operation import mask

MASKED = -1e9
"""The score of a position that must not be seen."""


def _linear(x: Array, weight: Array, bias: Array) -> Any:
    return x @ weight.T + bias


def _linear_backward(grad_output: Array, x: Array, weight: Array, bias: Array) -> Any:
    return grad_output @ weight, grad_output.T @ x, grad_output.sum(axis=0)


def _matmul(a: Array, b: Array) -> Any:
    return a @ b


def _matmul_backward(grad_output: Array, a: Array, b: Array) -> Any:
    da = grad_output @ b.swapaxes(-1, -2)
    db = a.swapaxes(-1, -2) @ grad_output
    return unbroadcast(da, a.shape), unbroadcast(db, b.shape)


def _bilinear(x: Array, weight: Array, y: Array) -> Any:
    return np.einsum("ni,oij,nj->no", x, weight, y)


def _bilinear_backward(grad_output: Array, x: Array, weight: Array, y: Array) -> Any:
    return (
        np.einsum("no,oij,nj->ni", grad_output, weight, y),
        np.einsum("no,ni,nj->oij", grad_output, x, y),
        np.einsum("no,ni,oij->nj", grad_output, x, weight),
    )


def _quadratic_form(x: Array, matrix: Array) -> Any:
    return x @ matrix @ x


def _quadratic_form_backward(grad_output: Array, x: Array, matrix: Array) -> Any:
    return grad_output * ((matrix + matrix.T) @ x), grad_output * np.outer(x, x)


def weights(q: Array, k: Array, allowed: Array) -> Any:
    """How much each query looks at each key."""
    return softmax(np.where(allowed, q @ k.T / math.sqrt(q.shape[1]), MASKED))


def _attention(q: Array, k: Array, v: Array, allowed: Array) -> Any:
    return weights(q, k, allowed) @ v


def _attention_backward(grad_output: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    p = weights(q, k, allowed)
    dp = grad_output @ v.T
    ds = np.where(allowed, p * (dp - (dp * p).sum(axis=-1, keepdims=True)), 0) / math.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, p.T @ grad_output, None


LINEAR = operation(
    name="linear",
    forward=_linear,
    backward=_linear_backward,
    signature="(n,i),(o,i),(o)->(n,o)",
    names=("x", "weight", "bias"),
)
MATMUL = operation(
    name="matmul",
    forward=_matmul,
    backward=_matmul_backward,
    signature="(...,i,k),(...,k,j)->(...,i,j)",
    names=("a", "b"),
    broadcast=True,
)
BILINEAR = operation(
    name="bilinear",
    forward=_bilinear,
    backward=_bilinear_backward,
    signature="(n,i),(o,i,j),(n,j)->(n,o)",
    names=("x", "weight", "y"),
)
QUADRATIC_FORM = operation(
    name="quadratic_form",
    forward=_quadratic_form,
    backward=_quadratic_form_backward,
    signature="(n),(n,n)->()",
    names=("x", "matrix"),
)
ATTENTION = operation(
    name="attention",
    forward=_attention,
    backward=_attention_backward,
    signature="(t,d),(s,d),(s,e),(t,s)->(t,e)",
    names=("q", "k", "v", "allowed"),
    domains={"allowed": mask(0.7)},
    dims={"d": (1, None), "s": (1, None)},
)
