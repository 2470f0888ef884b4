"""Wrong backwards of recurrent steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.activations import logistic
from benchmarks.zoo.operations.recurrent import GRU, LSTM, RNN
from benchmarks.zoo.registry import mutant, mutant_pair
from benchmarks.zoo.subject import Array


@mutant(RNN, "formula")
def previous_state_constant(g: Array, x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
    """Truncation left on: nothing flows to the previous state."""
    d = RNN.backward(g, x, h, w, u, b)
    return d[0], np.zeros_like(h), d[2], d[3], d[4]


@mutant(RNN, "formula")
def slope_from_state(g: Array, x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
    """1 - h² of the previous state instead of the new one."""
    d = g * (1 - h * h)
    return d @ w.T, d @ u.T, x.T @ d, h.T @ d, d.sum(axis=0)


@mutant(RNN, "shape", dims={"n": 2, "h": 3})
def recurrent_transpose(g: Array, x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
    """The recurrent matrix is square, so a missing transpose never raises."""
    y = np.tanh(x @ w + h @ u + b)
    d = g * (1 - y * y)
    return d @ w.T, d @ u, x.T @ d, h.T @ d, d.sum(axis=0)


@mutant(RNN, "formula")
def slope_twice(g: Array, x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
    """The weights' gradients pass the tanh twice."""
    y = np.tanh(x @ w + h @ u + b)
    d = g * (1 - y * y)
    e = d * (1 - y * y)
    return d @ w.T, d @ u.T, x.T @ e, h.T @ e, d.sum(axis=0)


@mutant_pair(RNN, "state", scenario="interleave")
def cache_of_last_step() -> Any:
    """Course classic: one cache for all time steps, so every backward uses the last step's output."""
    cache: dict[tuple[int, ...], Array] = {}

    def forward(x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
        cache[h.shape] = y = np.tanh(x @ w + h @ u + b)
        return y.copy()

    def backward(g: Array, x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
        y = cache.get(h.shape)
        y = np.tanh(x @ w + h @ u + b) if y is None else y
        d = (g * (1 - y * y)).astype(x.dtype)
        return d @ w.T, d @ u.T, x.T @ d, h.T @ d, d.sum(axis=0)

    return forward, backward


@mutant(LSTM, "formula")
def cell_upstream_ignored(g: Array, i: Array, f: Array, o: Array, c_hat: Array, c: Array) -> Any:
    """Only the gradient of the hidden state is used, that of the cell is dropped."""
    return LSTM.backward(np.stack([g[0], np.zeros_like(g[1])]), i, f, o, c_hat, c)


@mutant(LSTM, "formula")
def output_slope_missing(g: Array, i: Array, f: Array, o: Array, c_hat: Array, c: Array) -> Any:
    """The output gate's own sigmoid is not differentiated."""
    d = list(LSTM.backward(g, i, f, o, c_hat, c))
    gate = logistic(o)
    new = logistic(f) * c + logistic(i) * np.tanh(c_hat)
    d[2] = g[0] * np.tanh(new) * gate
    return tuple(d)


@mutant(LSTM, "formula")
def gates_swapped(g: Array, i: Array, f: Array, o: Array, c_hat: Array, c: Array) -> Any:
    """Another library's order of the gates: input and forget are swapped on return."""
    d = LSTM.backward(g, i, f, o, c_hat, c)
    return d[1], d[0], d[2], d[3], d[4]


@mutant(LSTM, "formula")
def tanh_of_cell_missing(g: Array, i: Array, f: Array, o: Array, c_hat: Array, c: Array) -> Any:
    """The path from hidden state to cell skips the slope of the tanh."""
    gate_i, gate_f, gate_o, candidate = logistic(i), logistic(f), logistic(o), np.tanh(c_hat)
    t = np.tanh(gate_f * c + gate_i * candidate)
    d_new = g[1] + g[0] * gate_o
    return (
        d_new * candidate * gate_i * (1 - gate_i),
        d_new * c * gate_f * (1 - gate_f),
        g[0] * t * gate_o * (1 - gate_o),
        d_new * gate_i * (1 - candidate * candidate),
        d_new * gate_f,
    )


@mutant(GRU, "formula")
def update_gate_sign(g: Array, z: Array, r: Array, n: Array, m: Array, h: Array) -> Any:
    """candidate - h: the two conventions of the update gate mixed."""
    d = GRU.backward(g, z, r, n, m, h)
    return -d[0], *d[1:]


@mutant(GRU, "formula")
def reset_gate_skipped(g: Array, z: Array, r: Array, n: Array, m: Array, h: Array) -> Any:
    """The recurrent part gets the inner gradient without the reset gate."""
    d = GRU.backward(g, z, r, n, m, h)
    return d[0], d[1], d[2], d[2].copy(), d[4]


@mutant(GRU, "formula")
def state_weight(g: Array, z: Array, r: Array, n: Array, m: Array, h: Array) -> Any:
    """1 - z for z in the direct path of the state."""
    d = GRU.backward(g, z, r, n, m, h)
    return *d[:4], g * (1 - logistic(z))


@mutant(GRU, "upstream")
def shared_upstream(g: Array, z: Array, r: Array, n: Array, m: Array, h: Array) -> Any:
    """The upstream is scaled in place on its way, so that the last gradient is scaled as well."""
    gate = logistic(z)
    first = GRU.backward(g, z, r, n, m, h)
    np.multiply(g, gate, out=g)
    return *first[:4], g.copy()
