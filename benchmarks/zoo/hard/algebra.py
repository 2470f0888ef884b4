"""Linear algebra through LAPACK: float64 and float32 only."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.registry import hard
from benchmarks.zoo.subject import Array
from gradlab.operation import real

_SQUARE = "(n,n)->(n,n)"
_SMALL = {"x": real(-2, 2)}


def _definite(x: Array) -> Any:
    """A well conditioned symmetric matrix."""
    n = x.shape[0]
    return x @ x.T / max(1, n) + np.eye(n, dtype=x.dtype)


def _definite_backward(d: Array, x: Array) -> Any:
    return (d + d.T) @ x / max(1, x.shape[0])


def _inverse_backward(g: Array, x: Array) -> Any:
    y = np.linalg.inv(_definite(x))
    return _definite_backward(-y.T @ g @ y.T, x)


def _dominant(x: Array) -> Any:
    """A matrix whose diagonal outweighs the rest."""
    n = x.shape[0]
    return x / max(1, n) + 3 * np.eye(n, dtype=x.dtype)


def _solve(x: Array, b: Array) -> Any:
    return np.linalg.solve(_dominant(x), b)


def _solve_backward(g: Array, x: Array, b: Array) -> Any:
    a = _dominant(x)
    db = np.linalg.solve(a.T, g)
    return -db @ np.linalg.solve(a, b).T / max(1, x.shape[0]), db


def _log_det(x: Array) -> Any:
    return np.linalg.slogdet(_dominant(x))[1]


def _log_det_backward(g: Array, x: Array) -> Any:
    return g * np.linalg.inv(_dominant(x)).T / max(1, x.shape[0])


def _det(x: Array) -> Any:
    return np.linalg.det(_dominant(x))


def _det_backward(g: Array, x: Array) -> Any:
    a = _dominant(x)
    return g * np.linalg.det(a) * np.linalg.inv(a).T / max(1, x.shape[0])


def _cholesky(x: Array) -> Any:
    return np.linalg.cholesky(_definite(x))


def _cholesky_backward(g: Array, x: Array) -> Any:
    factor = np.linalg.cholesky(_definite(x))
    inner = np.tril(factor.T @ np.tril(g))
    inner -= 0.5 * np.diag(np.diag(inner))
    left = np.linalg.solve(factor.T, inner)
    d = np.linalg.solve(factor.T, left.T).T
    return _definite_backward(0.5 * (d + d.T), x)


def _ridge(x: Array, y: Array) -> Any:
    return np.linalg.solve(x.T @ x + np.eye(x.shape[1], dtype=x.dtype), x.T @ y)


def _ridge_backward(g: Array, x: Array, y: Array) -> Any:
    a = x.T @ x + np.eye(x.shape[1], dtype=x.dtype)
    w, v = np.linalg.solve(a, x.T @ y), np.linalg.solve(a, g)
    return np.outer(y - x @ w, v) - np.outer(x @ v, w), x @ v


def _spectral(x: Array) -> Any:
    return np.log(np.linalg.eigvalsh(_definite(x))).sum()


def _spectral_backward(g: Array, x: Array) -> Any:
    return _definite_backward(g * np.linalg.inv(_definite(x)), x)


def _pseudo_inverse(x: Array) -> Any:
    return np.linalg.pinv(x + 3 * np.eye(*x.shape, dtype=x.dtype))


def _pseudo_inverse_backward(g: Array, x: Array) -> Any:
    a = x + 3 * np.eye(*x.shape, dtype=x.dtype)
    p = np.linalg.pinv(a)
    i = np.eye(a.shape[0], dtype=x.dtype)
    return -p.T @ g @ p.T + (i - a @ p) @ g.T @ p @ p.T


def _singular(x: Array) -> Any:
    return np.linalg.norm(x + 3 * np.eye(*x.shape, dtype=x.dtype), "nuc")


def _cube_backward(g: Array, x: Array) -> Any:
    t = x.T
    return g @ t @ t + t @ g @ t + t @ t @ g


hard(
    name="inverse",
    forward=lambda x: np.linalg.inv(_definite(x)),
    backward=_inverse_backward,
    signature=_SQUARE,
    domains=_SMALL,
    story="The inverse of a matrix built from its input.",
)
hard(
    name="solve",
    forward=_solve,
    backward=_solve_backward,
    signature="(n,n),(n,k)->(n,k)",
    names=("x", "b"),
    domains={"x": real(-1, 1)},
    story="Two systems with the matrix and its transpose.",
)
hard(
    name="log_determinant",
    forward=_log_det,
    backward=_log_det_backward,
    signature="(n,n)->()",
    domains={"x": real(-1, 1)},
    story="LAPACK, a single number, zero for an empty matrix.",
)
hard(
    name="determinant",
    forward=_det,
    backward=_det_backward,
    signature="(n,n)->()",
    domains={"x": real(-1, 1)},
    dims={"n": (0, 12)},
    story="Grows as 3ⁿ.",
)
hard(
    name="cholesky",
    forward=_cholesky,
    backward=_cholesky_backward,
    signature=_SQUARE,
    domains=_SMALL,
    story="The upper triangle of the output is constant, whatever the upstream there.",
)
hard(
    name="ridge_regression",
    forward=_ridge,
    backward=_ridge_backward,
    signature="(n,i),(n)->(i)",
    names=("x", "y"),
    domains={"x": real(-2, 2)},
    where=lambda dims, params: dims["n"] >= dims["i"],
    sizes={"n": 5, "i": 3},
    story="A relation between two sizes.",
)
hard(
    name="log_determinant_by_eigenvalues",
    forward=_spectral,
    backward=_spectral_backward,
    signature="(n,n)->()",
    domains=_SMALL,
    story="eigvalsh reads one triangle only.",
)
hard(
    name="pseudo_inverse",
    forward=_pseudo_inverse,
    backward=_pseudo_inverse_backward,
    signature="(n,i)",
    domains={"x": real(-0.1, 0.1)},
    dims={"n": (1, 8), "i": (1, 8)},
    where=lambda dims, params: dims["n"] >= dims["i"],
    sizes={"n": 4, "i": 3},
    story="An SVD inside.",
)
hard(
    name="matrix_cube",
    forward=lambda x: x @ x @ x,
    backward=_cube_backward,
    signature=_SQUARE,
    domains={"x": real(-100, 100)},
    story="Three paths of one argument.",
)
hard(
    name="gram",
    forward=lambda x: x @ x.T,
    backward=lambda g, x: (g + g.T) @ x,
    signature="(n,d)->(n,n)",
    story="An upstream that is not symmetric meets a symmetric output.",
)
hard(
    name="nuclear_norm",
    forward=_singular,
    backward=lambda g, x: g * np.linalg.matmul(*np.linalg.svd(x + 3 * np.eye(*x.shape, dtype=x.dtype), False)[::2]),
    signature="(n,i)->()",
    domains={"x": real(-0.1, 0.1)},
    dims={"n": (1, 8), "i": (1, 8)},
    sizes={"n": 4, "i": 3},
    story="Smooth, for no singular value comes near zero.",
)
