"""Homework: seven layers with their backward passes. Each backward has one of the classic mistakes.

`python -m gradlab verify tests/verify/seven_mistakes.py` says which.
"""

import numpy as np

EPS = 1e-5


# 1. The gradient of the bias is not summed over the batch.


def add_bias(x, bias):
    return x + bias


def add_bias_backward(grad_output, x, bias):
    return grad_output, grad_output


# 2. The loss is a mean over the batch; its backward forgets the 1/N.


def mse(prediction, target):
    return np.mean(np.sum((prediction - target) ** 2, axis=1))


def mse_backward(grad_output, prediction, target):
    return 2 * (prediction - target) * grad_output, None


# 3. Softmax as if it were elementwise: only the diagonal of the Jacobian.


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(grad_output, x):
    y = softmax(x)
    return grad_output * y * (1 - y)


# 4. The mask of the ReLU is taken from the gradient that comes in.


def relu(x):
    return np.maximum(x, 0)


def relu_backward(grad_output, x):
    grad_x = grad_output.copy()
    grad_x[grad_output < 0] = 0
    return grad_x


# 5. Batch norm with the variance taken for a constant.


def normalize(x):
    centred = x - x.mean(axis=0)
    inv_std = 1 / np.sqrt((centred**2).mean(axis=0) + EPS)
    return centred * inv_std, inv_std


def batch_norm(x, gamma, beta):
    x_hat, _ = normalize(x)
    return gamma * x_hat + beta


def batch_norm_backward(grad_output, x, gamma, beta):
    x_hat, inv_std = normalize(x)
    grad_x_hat = grad_output * gamma
    grad_x = (grad_x_hat - grad_x_hat.mean(axis=0)) * inv_std
    return grad_x, (grad_output * x_hat).sum(axis=0), grad_output.sum(axis=0)


# 6. The gradient of gamma with x where x_hat belongs.


def batch_norm_dgamma(x, gamma, beta):
    return batch_norm(x, gamma, beta)


def batch_norm_dgamma_backward(grad_output, x, gamma, beta):
    x_hat, inv_std = normalize(x)
    g = grad_output * gamma
    grad_x = (g - g.mean(axis=0) - x_hat * (g * x_hat).mean(axis=0)) * inv_std
    return grad_x, (grad_output * x).sum(axis=0), grad_output.sum(axis=0)


# 7. A linear layer of as many outputs as inputs, whose weight is transposed in the backward.


def linear(x, weight):
    return x @ weight.T


def linear_backward(grad_output, x, weight):
    return grad_output @ weight.T, grad_output.T @ x


gradlab_spec = {
    "add_bias": {"signature": "(n,d),(d)->(n,d)", "dims": {"n": (1, None), "d": (1, None)}},
    "mse": {"signature": "(n,d),(n,d)->()", "dims": {"n": (1, None)}, "wrt": ("prediction",)},
    "softmax": {"signature": "(n,d)->(n,d)", "dims": {"d": (1, None)}},
    "relu": {"signature": "(n,d)->(n,d)"},
    "batch_norm": {"signature": "(n,d),(d),(d)->(n,d)", "dims": {"n": (2, None)}},
    "batch_norm_dgamma": {"signature": "(n,d),(d),(d)->(n,d)", "dims": {"n": (2, None)}},
    "linear": {"signature": "(n,d),(d,d)->(n,d)"},
}
