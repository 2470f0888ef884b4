"""batch_norm (PLACEHOLDER of the generated format, will be overwritten by `gradlab derive`)."""

import numpy as np

from gradlab.operation import Argument, Operation, Parameter, Signature, real

OPERATION = Operation(
    name="batch_norm",
    summary="Batch normalisation in training mode, with the biased variance.",
    signature=Signature(inputs=(("n", "c"), ("c",), ("c",)), output=("n", "c")),
    arguments=(Argument("x", real()), Argument("gamma", real()), Argument("beta", real())),
    saved=("x_hat", "inv_std", "gamma"),
    reference="torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)",
    digest="draft",
    parameters=(Parameter("eps", 1e-5, 1e-8, 1e-1),),
)


def forward(x, gamma, beta, *, eps=1e-5):
    n = max(x.shape[0], 1)
    mu = x.sum(axis=0) / n
    x_hat = x - mu
    inv_std = 1 / np.sqrt(np.einsum("nc,nc->c", x_hat, x_hat) / n + eps)
    x_hat *= inv_std
    y = x_hat * gamma
    y += beta
    return y, (x_hat, inv_std, gamma)


def backward(grad_output, saved):
    x_hat, inv_std, gamma = saved
    n = max(grad_output.shape[0], 1)
    grad_beta = grad_output.sum(axis=0)
    grad_gamma = np.einsum("nc,nc->c", grad_output, x_hat)
    grad_x = x_hat * (grad_gamma / n)
    grad_x += grad_beta / n
    np.subtract(grad_output, grad_x, out=grad_x)
    grad_x *= gamma * inv_std
    return grad_x, grad_gamma, grad_beta
