"""One step of recurrent cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.activations import logistic
from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array


def _rnn(x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
    return np.tanh(x @ w + h @ u + b)


def _rnn_backward(grad_output: Array, x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
    y = np.tanh(x @ w + h @ u + b)
    d = grad_output * (1 - y) * (1 + y)
    return d @ w.T, d @ u.T, x.T @ d, h.T @ d, d.sum(axis=0)


def _lstm(i: Array, f: Array, o: Array, c_hat: Array, c: Array) -> Any:
    new = logistic(f) * c + logistic(i) * np.tanh(c_hat)
    return np.stack([logistic(o) * np.tanh(new), new])


def _lstm_backward(grad_output: Array, i: Array, f: Array, o: Array, c_hat: Array, c: Array) -> Any:
    gate_i, gate_f, gate_o, candidate = logistic(i), logistic(f), logistic(o), np.tanh(c_hat)
    t = np.tanh(gate_f * c + gate_i * candidate)
    dh, dc = grad_output
    d_new = dc + dh * gate_o * (1 - t * t)
    return (
        d_new * candidate * gate_i * (1 - gate_i),
        d_new * c * gate_f * (1 - gate_f),
        dh * t * gate_o * (1 - gate_o),
        d_new * gate_i * (1 - candidate * candidate),
        d_new * gate_f,
    )


def _gru(z: Array, r: Array, n: Array, m: Array, h: Array) -> Any:
    gate = logistic(z)
    return (1 - gate) * np.tanh(n + logistic(r) * m) + gate * h


def _gru_backward(grad_output: Array, z: Array, r: Array, n: Array, m: Array, h: Array) -> Any:
    gate, reset = logistic(z), logistic(r)
    candidate = np.tanh(n + reset * m)
    d_inner = grad_output * (1 - gate) * (1 - candidate * candidate)
    return (
        grad_output * (h - candidate) * gate * (1 - gate),
        d_inner * m * reset * (1 - reset),
        d_inner,
        d_inner * reset,
        grad_output * gate,
    )


RNN = operation(
    name="rnn_step",
    forward=_rnn,
    backward=_rnn_backward,
    signature="(n,i),(n,h),(i,h),(h,h),(h)->(n,h)",
    names=("x", "h", "w", "u", "b"),
)
LSTM = operation(
    name="lstm_gates",
    forward=_lstm,
    backward=_lstm_backward,
    signature="(n,h),(n,h),(n,h),(n,h),(n,h)->(2,n,h)",
    names=("i", "f", "o", "c_hat", "c"),
)
GRU = operation(
    name="gru_gates",
    forward=_gru,
    backward=_gru_backward,
    signature="(n,h),(n,h),(n,h),(n,h),(n,h)->(n,h)",
    names=("z", "r", "n", "m", "h"),
)
