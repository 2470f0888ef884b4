"""Small backwards, each with one mistake of a known kind: what the tests of the diagnoses plant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gradlab
from gradlab.verify.diagnose.diagnosis import Kind

Function = Callable[..., Any]


@dataclass(frozen=True)
class Mistake:
    """A forward, its wrong backward, the kind of the mistake and what its diagnosis must say."""

    name: str
    kind: Kind
    says: tuple[str, ...]
    forward: Function
    backward: Function
    signature: str
    options: Mapping[str, Any] = field(default_factory=dict)


def square(x):
    return x * x


def mean_loss(x, t):
    return np.mean(np.sum((x - t) ** 2, axis=1))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def normalize(x):
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)


def normalized_backward(g, x, *, mean=True, variance=True):
    y = normalize(x)
    inv_std = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    result = g - y * (g * y).mean(axis=-1, keepdims=True) * variance - g.mean(axis=-1, keepdims=True) * mean
    return result * inv_std


def batch_norm(x, gamma, beta):
    return gamma * normalize(x.T).T + beta


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def leaky(x, slope=0.1):
    return np.where(x > 0, x, slope * x)


def counted():
    """Every third answer is doubled."""
    calls = [0]

    def backward(g, x):
        calls[0] += 1
        return 2 * x * g * (1 + (calls[0] % 3 == 0))

    return backward


def accumulating():
    """Gradients are added to those of the calls before."""
    total: dict[tuple[int, ...], Any] = {}

    def backward(g, x):
        total[x.shape] = total.get(x.shape, 0) + 2 * x * g
        return np.array(total[x.shape])

    return backward


def noisy():
    """One part in a thousand, at random."""
    rng = np.random.default_rng(0)
    return lambda g, x: 2 * x * g * (1 + 1e-3 * rng.normal(size=x.shape))


def consuming(g, x):
    """Right, but grad_output is gone afterwards."""
    result = 2 * x * g
    g *= 0
    return result


def shifted_pad(g, x):
    """The padding is cut off one place too early."""
    return g[:-2]


def one_column(g, x, w):
    """A column of the weight is forgotten."""
    grad_w = x.T @ g
    grad_w[:, -1:] = 0
    return g @ w.T, grad_w


def in_single(g, x):
    """Computed in float32."""
    return (2 * x.astype(np.float32) * g.astype(np.float32)).astype(x.dtype)


def differenced(g, x):
    """A central difference where the derivative belongs."""
    h = x.dtype.type(1e-5)
    return g * (np.tanh(x + h) - np.tanh(x - h)) / (2 * h)


def memory_order(g, x):
    """Reads grad_output in the order of its memory."""
    return 2 * x * g.ravel(order="K").reshape(g.shape)


def unrolled(g, x):
    """A loop unrolled by eight that forgets the rest."""
    result = 2 * x * g
    if x.size > 8:
        result[8 * (x.size // 8) :] = 0
    return result


def square_matrix(g, x, w):
    """Transposed where nobody notices by the shape."""
    return g @ (w if w.shape[0] == w.shape[1] else w.T), x.T @ g


def unstable_softplus(g, x):
    """exp(x) / (1 + exp(x)) overflows."""
    return g * np.exp(x) / (1 + np.exp(x))


def slope_at_zero(g, x):
    """A slope of 3 where those on both sides are -1 and 1."""
    return g * np.where(x == 0, 3, np.sign(x)).astype(x.dtype)


def both_at_ties(g, a, b):
    """Equal arguments both get everything."""
    return g * (a >= b), g * (b >= a)


D = {"dims": {"d": (1, None)}}
SQUARE = "(n)->(n)"
X = {"names": ("x",)}
DOUBLE = {"dtypes": ("float64",)}

MISTAKES = (
    Mistake("sign", "sign", ("grad x is the correct gradient times -1",), square, lambda g, x: -2 * x * g, SQUARE),
    Mistake("factor two", "constant factor", ("times 2 ", "R² = 1.0000000"), square, lambda g, x: 4 * x * g, SQUARE),
    Mistake(
        "mean not divided",
        "constant factor",
        ("grad x is the correct gradient times n ",),
        mean_loss,
        lambda g, x, t: (2 * (x - t) * g, None),
        "(n,d),(n,d)->()",
        {"dims": {"n": (1, None)}, "wrt": ("x",)},
    ),
    Mistake(
        "dropout not rescaled",
        "constant factor",
        ("times 1 - p ",),
        lambda x, keep, p=0.5: x * keep / (1 - p),
        lambda g, x, keep, p=0.5: (g * keep, None),
        "(n),(n)->(n)",
        {"domains": {"keep": gradlab.mask()}, "params": {"p": (0.5, 0.2, 0.3)}},
    ),
    Mistake(
        "unbiased variance",
        "constant factor",
        ("times (d - 1)/d",),
        lambda x: x.var(axis=-1, ddof=1),
        lambda g, x: g[..., None] * 2 * (x - x.mean(axis=-1, keepdims=True)) / x.shape[-1],
        "(n,d)->(n)",
        {"dims": {"d": (2, None)}, "names": ("x",)},
    ),
    Mistake(
        "diagonal of softmax",
        "missing term",
        ("the off-diagonal terms are missing", "axis 1 (d)"),
        softmax,
        lambda g, x: g * softmax(x) * (1 - softmax(x)),
        "(n,d)->(n,d)",
        D,
    ),
    Mistake(
        "mean in softmax",
        "missing term",
        ("the term that sums over axis 1 (d) is 1/d times the correct one",),
        softmax,
        lambda g, x: softmax(x) * (g - (g * softmax(x)).mean(axis=-1, keepdims=True)),
        "(n,d)->(n,d)",
        D,
    ),
    Mistake(
        "variance path",
        "missing term",
        ("a multiple of x - mean(x) along axis 1 (d): the path through the variance",),
        normalize,
        lambda g, x: normalized_backward(g, x, variance=False),
        "(n,d)->(n,d)",
        {"dims": {"d": (2, None)}, **DOUBLE},
    ),
    Mistake(
        "mean path",
        "missing term",
        ("constant along axis 1 (d): the path through the mean",),
        normalize,
        lambda g, x: normalized_backward(g, x, mean=False),
        "(n,d)->(n,d)",
        {"dims": {"d": (2, None)}, **DOUBLE},
    ),
    Mistake(
        "factor of the sigmoid",
        "missing term",
        ("grad x is grad_output * y, and should be grad_output * y*(1 - y)",),
        sigmoid,
        lambda g, x: g * sigmoid(x),
        SQUARE,
    ),
    Mistake(
        "input for output",
        "mistaken quantity",
        ("the correct formula in the output, evaluated at x",),
        np.tanh,
        lambda g, x: g * (1 - x**2),
        SQUARE,
        X,
    ),
    Mistake(
        "x for x_hat",
        "mistaken quantity",
        ("grad gamma is the sum of grad_output * x", "grad_output * (x normalised)"),
        batch_norm,
        lambda g, x, gamma, beta: (normalized_backward((g * gamma).T, x.T).T, (g * x).sum(axis=0), g.sum(axis=0)),
        "(n,d),(d),(d)->(n,d)",
        {"dims": {"n": (2, None)}, **DOUBLE},
    ),
    Mistake(
        "power of the denominator",
        "mistaken quantity",
        ("grad b is grad_output * (-a/b), and should be grad_output * (-a/(b**2))",),
        lambda a, b: a / b,
        lambda g, a, b: (g / b, -g * a / b),
        "(n),(n)->(n)",
        {"domains": {"b": gradlab.real(0.5, 3)}},
    ),
    Mistake(
        "arguments swapped",
        "swapped arguments",
        ("grad a is the correct gradient of b",),
        lambda a, b: a * b,
        lambda g, a, b: (g * a, g * b),
        "(n),(n)->(n)",
    ),
    Mistake(
        "weight transposed",
        "transposed",
        ("grad x is the correct gradient for w transposed",),
        lambda x, w: x @ w,
        lambda g, x, w: (g @ w, x.T @ g),
        "(n,d),(d,d)->(n,d)",
    ),
    Mistake(
        "transposed where square",
        "transposed",
        ("grad x is the correct gradient for w transposed", "only where i == o"),
        lambda x, w: x @ w,
        square_matrix,
        "(n,i),(i,o)->(n,o)",
    ),
    Mistake(
        "bias not summed",
        "wrong axis",
        ("it is not summed over axis 0",),
        lambda x, bias: x + bias,
        lambda g, x, bias: (g, g),
        "(n,d),(d)->(n,d)",
    ),
    Mistake(
        "softmax over the batch",
        "wrong axis",
        ("mixes entries along axis 0 (n) where it should mix those along axis 1 (d)",),
        softmax,
        lambda g, x: softmax(x) * (g - (g * softmax(x)).sum(axis=0)),
        "(n,d)->(n,d)",
        D,
    ),
    Mistake(
        "first row only",
        "wrong axis",
        ("grad bias uses only the first entry of grad_output along axis 0 (n)",),
        lambda x, bias: x + bias,
        lambda g, x, bias: (g, g[0] if len(g) else np.zeros_like(bias)),
        "(n,d),(d)->(n,d)",
    ),
    Mistake(
        "padding", "shifted", ("back by 1 along axis 0",), lambda x: np.pad(x, (1, 1)), shifted_pad, "(n)", X
    ),
    Mistake(
        "flipped", "shifted", ("gradient flipped along axis 0 (n)",), square, lambda g, x: (2 * x * g)[::-1],
        SQUARE,
    ),
    Mistake(
        "last column",
        "one place",
        ("grad w is zero only at the last index of axis 1 (o)",),
        lambda x, w: x @ w,
        one_column,
        "(n,i),(i,o)->(n,o)",
    ),
    Mistake("unrolled by eight", "sizes", ("n > 8 is no multiple of 8",), square, unrolled, SQUARE),
    Mistake(
        "negative inputs",
        "region",
        ("grad x is wrong only where x is negative", "where it is zero"),
        square,
        lambda g, x: 2 * np.maximum(x, 0) * g,
        SQUARE,
    ),
    Mistake(
        "threshold",
        "region",
        ("wrong only where |x| is above about 5",),
        np.tanh,
        lambda g, x: np.where(np.abs(x) > 5, 0, g / np.cosh(x) ** 2),
        SQUARE,
        {"names": ("x",), "domains": {"x": gradlab.real(-9, 9)}},
    ),
    Mistake(
        "slope by heart",
        "parameter",
        ("wrong at slope=0.5, right at slope=0.1", "backward ignores it"),
        leaky,
        lambda g, x, slope=0.1: g * np.where(x > 0, 1, 0.1),
        SQUARE,
        {"params": {"slope": (0.1, 0.5)}, "names": ("x",), **DOUBLE},
    ),
    Mistake("memory order", "layout", ("right for C-contiguous arrays",), square, memory_order, "(n,m)->(n,m)"),
    Mistake(
        "abs", "upstream", ("gradient for abs(grad_output)",), square, lambda g, x: 2 * x * np.abs(g), SQUARE
    ),
    Mistake(
        "mask from upstream",
        "upstream",
        ("the mask is taken from grad_output, not from x",),
        lambda x: np.maximum(x, 0),
        lambda g, x: g * (g > 0),
        SQUARE,
        X,
    ),
    Mistake(
        "clipped",
        "upstream",
        ("wrong where |grad_output| is above about 10000",),
        square,
        lambda g, x: 2 * x * np.clip(g, -1e4, 1e4),
        SQUARE,
    ),
    Mistake("counter", "stale state", ("in a cycle of 3",), square, counted(), SQUARE, DOUBLE),
    Mistake("accumulation", "stale state", ("gradients accumulate",), square, accumulating(), SQUARE, DOUBLE),
    Mistake("noise", "random", ("identical calls give different grad x", "e-0"), square, noisy(), SQUARE, DOUBLE),
    Mistake("consumed", "in place", ("writes into an array that it was given",), square, consuming, SQUARE),
    Mistake("float32", "downcast", ("the digits of float32 only", "e-08"), square, in_single, SQUARE),
    Mistake("differences", "downcast", ("looks numerically differenced",), np.tanh, differenced, SQUARE, X),
    Mistake(
        "overflow",
        "instability",
        ("not finite only where |x| is above about 710",),
        lambda x: np.logaddexp(0, x),
        unstable_softplus,
        SQUARE,
        {"names": ("x",), "dtypes": ("float64",)},
    ),
    Mistake(
        "slope at zero", "kink", ("wrong only where x is exactly 0",), np.abs, slope_at_zero,
        SQUARE, X,
    ),
    Mistake("both at ties", "kink", ("a == b",), np.maximum, both_at_ties, "(n),(n)->(n)", {"names": ("a", "b")}),
    Mistake("dtype", "contract", ("float32", "float64"), square, lambda g, x: (2 * x * g).astype(np.float64), SQUARE),
    Mistake(
        "reference disagrees",
        "forward",
        ("where the reference (reference) gives",),
        square,
        lambda g, x: 2 * x * g,
        SQUARE,
        {"reference": lambda x: x * x * 1.001},
    ),
)  # fmt: skip
