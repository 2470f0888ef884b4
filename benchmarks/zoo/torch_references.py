"""torch's own function for each ordinary operation: an independent reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

F: Any = torch.nn.functional


def _attention(q: Any, k: Any, v: Any, allowed: Any) -> Any:
    """torch's fused attention; the mask is such that every query sees something."""
    return F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)


def _hinge(score: Any, label: Any, margin: float) -> Any:
    """Binary hinge through torch's embedding loss of one class."""
    return torch.clamp(margin - label * score, min=0).mean()


def _svm(scores: Any, label: Any, margin: float) -> Any:
    """torch divides by the number of classes."""
    return F.multi_margin_loss(scores, label, margin=margin) * scores.shape[1]


def _lstm(i: Any, f: Any, o: Any, c_hat: Any, c: Any) -> Any:
    """The cell, gate by gate."""
    new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(c_hat)
    return torch.stack([torch.sigmoid(o) * torch.tanh(new), new])


def _gru(z: Any, r: Any, n: Any, m: Any, h: Any) -> Any:
    """The cell, gate by gate."""
    return torch.lerp(torch.tanh(n + torch.sigmoid(r) * m), h, torch.sigmoid(z))


REFERENCES: dict[str, Callable[..., Any]] = {
    "relu": torch.relu,
    "leaky_relu": lambda x, slope: F.leaky_relu(x, slope),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "elu": lambda x, alpha: F.elu(x, alpha),
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "logsumexp": lambda x: torch.logsumexp(x, -1),
    "cross_entropy": lambda x, y, smoothing: F.cross_entropy(x, y, label_smoothing=smoothing),
    "soft_cross_entropy": F.cross_entropy,
    "bce_with_logits": F.binary_cross_entropy_with_logits,
    "mse": F.mse_loss,
    "huber": lambda x, y, delta: F.huber_loss(x, y, delta=delta),
    "hinge": _hinge,
    "svm_loss": _svm,
    "kl_div": lambda q, p: F.kl_div(q, p, reduction="batchmean"),
    "batch_norm": lambda x, w, b, eps: F.batch_norm(x, None, None, w, b, True, eps=eps),
    "batch_norm_2d": lambda x, w, b, eps: F.batch_norm(x, None, None, w, b, True, eps=eps),
    "layer_norm": lambda x, w, b, eps: F.layer_norm(x, x.shape[-1:], w, b, eps),
    "rms_norm": lambda x, w, eps: F.rms_norm(x, x.shape[-1:], w, eps),
    "group_norm": lambda x, w, b, groups, eps: F.group_norm(x, groups, w, b, eps),
    "linear": F.linear,
    "matmul": torch.matmul,
    "bilinear": lambda x, w, y: F.bilinear(x, y, w),
    "quadratic_form": lambda x, a: torch.dot(x, torch.mv(a, x)),
    "attention": _attention,
    "conv1d": lambda x, w, b, stride, padding: F.conv1d(x, w, b, stride, padding),
    "conv2d": lambda x, w, b, stride, padding: F.conv2d(x, w, b, stride, padding),
    "max_pool2d": lambda x, kernel, stride: F.max_pool2d(x, kernel, stride),
    "avg_pool2d": lambda x, kernel, stride: F.avg_pool2d(x, kernel, stride),
    "upsample_nearest": lambda x, scale: F.interpolate(x, scale_factor=scale, mode="nearest"),
    "pad": lambda x, before, after: F.pad(x, (before, after)),
    "add": torch.add,
    "multiply": torch.mul,
    "divide": torch.div,
    "maximum": torch.maximum,
    "clip": lambda x, low, high: torch.clamp(x, low, high),
    "abs": torch.abs,
    "sqrt": torch.sqrt,
    "power": lambda x, exponent: torch.pow(x, exponent),
    "sum": lambda x, axis, keepdims: torch.sum(x, axis, keepdim=keepdims),
    "mean": lambda x, axis: torch.mean(x, axis),
    "var": lambda x, ddof: torch.var(x, 0, correction=ddof),
    "std": lambda x, eps: torch.sqrt(torch.var(x, -1, correction=0) + eps),
    "max": lambda x: torch.max(x, -1).values,
    "prod": lambda x: torch.prod(x, -1),
    "cumsum": lambda x: torch.cumsum(x, -1),
    "embedding": F.embedding,
    "gather": lambda x, index: torch.gather(x, 1, index[:, None])[:, 0],
    "scatter_add": lambda base, rows, index: torch.index_add(base, 0, index, rows),
    "select": torch.where,
    "rotate_axes": lambda x: torch.permute(x, (1, 2, 0)),
    "concatenate": lambda a, b: torch.cat([a, b], 1),
    "roll": lambda x, shift: torch.roll(x, shift, -1),
    "lower_triangle": lambda x, k: torch.tril(x, k),
    "rnn_step": lambda x, h, w, u, b: torch.rnn_tanh_cell(x, h, w.T, u.T, b),
    "lstm_gates": _lstm,
    "gru_gates": _gru,
}
WITHOUT = {"l2_normalize", "cosine_similarity", "dropout", "scale_channels"}
"""Where torch's own takes eps otherwise or draws its mask itself; long double differences judge these."""
