"""The derivatives: each a function in NumPy, as a reader would write it, and the formula that gradlab is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Data = Mapping[str, Array]

EPS = 1e-3
"""Under the roots of the normalisations."""


@dataclass(frozen=True)
class Problem:
    """The gradient of `sum(grad_output * forward(...))` along `wrt`.

    `draw(rng, n, d)` gives the inputs at sizes n and d; `forward` takes complex numbers too, so that a complex step
    knows the gradient to the last digits. `textbook` is the usual form of the answer.
    """

    name: str
    formula: str
    wrt: str
    draw: Callable[[np.random.Generator, int, int], dict[str, Array]]
    forward: Callable[..., Array]
    textbook: str

    def data(self, seed: int, n: int, d: int) -> dict[str, Array]:
        """Inputs and a grad_output."""
        rng = np.random.default_rng(seed)
        inputs = self.draw(rng, n, d)
        return inputs | {"grad_output": rng.normal(size=np.shape(self.forward(**inputs)))}

    def gradient(self, data: Data) -> Array:
        """The true gradient, by a complex step in each entry."""
        inputs = {name: array for name, array in data.items() if name != "grad_output"}
        x = inputs[self.wrt]
        found = np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            moved = x.astype(complex)
            moved[place] += 1e-30j
            found[place] = (data["grad_output"] * self.forward(**(inputs | {self.wrt: moved}))).sum().imag / 1e-30
        return found


def _softmax(x: Array) -> Array:
    e = np.exp(x)
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _standardised(x: Array, axis: int) -> Array:
    centred = x - x.mean(axis=axis, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=axis, keepdims=True) + EPS))


def _windows(x: Array, size: int) -> Array:
    return np.stack([x[2 * o : 2 * o + size] for o in range((len(x) - size) // 2 + 1)])


def _largest(x: Array) -> Array:
    return np.asarray(np.take_along_axis(x, x.real.argmax(axis=-1)[:, None], axis=-1)[:, 0])


def _huber(x: Array) -> Array:
    return np.where(abs(x.real) <= 1, x**2 / 2, np.sign(x.real) * x - 0.5)


def _x(rng: np.random.Generator, n: int, d: int) -> dict[str, Array]:
    return {"x": rng.normal(size=(n, d))}


def _affine(rng: np.random.Generator, n: int, d: int) -> dict[str, Array]:
    return _x(rng, n, d) | {"gamma": rng.normal(size=d), "beta": rng.normal(size=d)}


def _vector(rng: np.random.Generator, n: int, d: int) -> dict[str, Array]:
    return {"x": rng.normal(size=d), "A": rng.normal(size=(d, d))}


_NORMALISED = """v[{r}] = mean[{s}]((x[n,d] - mean[{t}](x[{u}]))**2)
y[n,d] = gamma[d]*(x[n,d] - mean[{t}](x[{u}]))/sqrt(v[{r}] + 0.001) + beta[d]"""

PROBLEMS = (
    Problem(
        "softmax", "y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))", "x", _x, _softmax,
        "y (g - sum(g y))",
    ),
    Problem(
        "log-sum-exp", "y[n] = log(sum[d](exp(x[n,d])))", "x", _x, lambda x: np.log(np.exp(x).sum(axis=-1)),
        "g softmax(x)",
    ),
    Problem(
        "cross-entropy, soft labels",
        "p[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))\ny = -mean[n](sum[d](t[n,d]*log(p[n,d])))", "x",
        lambda rng, n, d: _x(rng, n, d) | {"t": rng.dirichlet(np.ones(d), size=n)},
        lambda x, t: -(t * np.log(_softmax(x))).sum(axis=-1).mean(),
        "g (p sum(t) - t) / N",
    ),
    Problem(
        "cross-entropy, labels",
        "p[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))\ny = -mean[n](log(p[n,label[n]]))", "x",
        lambda rng, n, d: _x(rng, n, d) | {"label": rng.integers(d, size=n)},
        lambda x, label: -np.log(_softmax(x)[np.arange(len(x)), label]).mean(),
        "g (p - onehot(label)) / N",
    ),
    Problem(
        "batch norm", _NORMALISED.format(r="d", s="n", t="m", u="m,d"), "x", _affine,
        lambda x, gamma, beta: gamma * _standardised(x, 0) + beta,
        "gamma / std (g - mean(g) - x_hat mean(g x_hat))",
    ),
    Problem(
        "layer norm", _NORMALISED.format(r="n", s="d", t="k", u="n,k"), "x", _affine,
        lambda x, gamma, beta: gamma * _standardised(x, 1) + beta,
        "1 / std (h - mean(h) - x_hat mean(h x_hat)), h = g gamma",
    ),
    Problem(
        "RMS norm", "y[n,d] = x[n,d]/sqrt(mean[k](x[n,k]**2) + 0.001)", "x", _x,
        lambda x: x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + EPS),
        "1 / rms (g - y mean(g y))",
    ),
    Problem(
        "attention",
        "s[q,k] = sum[d](a[q,d]*b[k,d])\np[q,k] = exp(s[q,k])/sum[j](exp(s[q,j]))\ny[q,e] = sum[k](p[q,k]*c[k,e])", "a",
        lambda rng, n, d: {
            "a": rng.normal(size=(n, d)), "b": rng.normal(size=(n + 1, d)), "c": rng.normal(size=(n + 1, d + 1)),
        },
        lambda a, b, c: _softmax(a @ b.T) @ c,
        "p (g c' - sum(g c' p)) b",
    ),
    Problem(
        "strided convolution", "y[o] = sum[a](x[2*o + a]*w[a])", "x",
        lambda rng, n, d: {"x": rng.normal(size=2 * d + 3), "w": rng.normal(size=3)},
        lambda x, w: _windows(x, len(w)) @ w,
        "sum over o of g[o] w[l - 2 o]",
    ),
    Problem(
        "max", "y[n] = max[d](x[n,d])", "x", _x, _largest,
        "g onehot(argmax(x))",
    ),
    Problem(
        "quadratic form", "y = sum[i](sum[j](x[i]*A[i,j]*x[j]))", "x", _vector, lambda x, A: x @ A @ x,
        "g (A + A') x",
    ),
    Problem(
        "trace of a product", "y = sum[i](sum[j](sum[k](A[i,j]*x[j,k]*B[k,i])))", "x",
        lambda rng, n, d: _x(rng, n, d) | {"A": rng.normal(size=(d, n)), "B": rng.normal(size=(d, d))},
        lambda x, A, B: np.trace(A @ x @ B),
        "g A' B'",
    ),
    Problem(
        "Frobenius norm", "r[i,j] = sum[k](A[i,k]*x[k,j]) - B[i,j]\ny = sum[i](sum[j](r[i,j]**2))", "x",
        lambda rng, n, d: _x(rng, n, d) | {"A": rng.normal(size=(d + 1, n)), "B": rng.normal(size=(d + 1, d))},
        lambda x, A, B: ((A @ x - B) ** 2).sum(),
        "2 g A' (A X - B)",
    ),
    Problem(
        "Gram matrix", "y[i,j] = sum[n](x[n,i]*x[n,j])", "x", _x, lambda x: x.T @ x,
        "X (g + g')",
    ),
    Problem(
        "distance matrix", "y[n,m] = sum[d]((x[n,d] - z[m,d])**2)", "x",
        lambda rng, n, d: _x(rng, n, d) | {"z": rng.normal(size=(n + 1, d))},
        lambda x, z: ((x[:, None] - z) ** 2).sum(axis=-1),
        "2 (x sum(g) - g z)",
    ),
    Problem(
        "Huber", "y[n,d] = (abs(x[n,d]) <= 1)*x[n,d]**2/2 + (abs(x[n,d]) > 1)*(abs(x[n,d]) - 0.5)", "x", _x, _huber,
        "g x where |x| <= 1, else g sign(x)",
    ),
)  # fmt: skip
