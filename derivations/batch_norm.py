"""Batch normalisation per channel c, over n or over n, h, w; with the biased variance, as torch normalises."""

from sympy import Idx, IndexedBase, Mul, Sum, sqrt, symbols

from gradlab.operation import Parameter, non_negative
from gradlab.symbolic.definition import Definition, given, let

N, C, H, W = symbols("N C H W", integer=True)
n, c, h, w = Idx("n", N), Idx("c", C), Idx("h", H), Idx("w", W)
x, gamma, beta, mu, xc, var, inv_std, x_hat, y, mean = map(
    IndexedBase, ("x", "gamma", "beta", "mu", "xc", "var", "inv_std", "x_hat", "y", "mean")
)
eps = symbols("eps", positive=True)


def batch_norm_training(name: str, entry: tuple[Idx, ...], over: tuple[Idx, ...]) -> Definition:
    """Normalise with the statistics of the batch itself."""
    size = Mul(*(index.upper + 1 for index in over))
    return Definition(
        name=name,
        summary=f"Batch normalisation over {', '.join(map(str, over))} in training mode, with the biased variance.",
        inputs=[given(x[entry]), given(gamma[c]), given(beta[c])],
        lets=[
            let(mu[c], Sum(x[entry], *over) / size),
            let(xc[entry], x[entry] - mu[c]),
            let(var[c], Sum(xc[entry] ** 2, *over) / size),
            let(inv_std[c], 1 / sqrt(var[c] + eps)),
            let(x_hat[entry], xc[entry] * inv_std[c]),
            let(y[entry], gamma[c] * x_hat[entry] + beta[c]),
        ],
        output=y[entry],
        tracked=[mu[c], var[c]],
        parameters=[Parameter("eps", 1e-5, 1e-8, 1e-1)],
        reference="torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)",
    )


def batch_norm_evaluation(name: str, entry: tuple[Idx, ...]) -> Definition:
    """Normalise with given running statistics, which are constants here as in torch."""
    return Definition(
        name=name,
        summary="Batch normalisation in evaluation mode, with given mean and variance.",
        inputs=[
            given(x[entry]),
            given(gamma[c]),
            given(beta[c]),
            given(mean[c], differentiable=False),
            given(var[c], non_negative(), differentiable=False),
        ],
        lets=[
            let(inv_std[c], 1 / sqrt(var[c] + eps)),
            let(x_hat[entry], (x[entry] - mean[c]) * inv_std[c]),
            let(y[entry], gamma[c] * x_hat[entry] + beta[c]),
        ],
        output=y[entry],
        parameters=[Parameter("eps", 1e-5, 1e-8, 1e-1)],
        reference="torch.nn.functional.batch_norm(x, mean, var, gamma, beta, training=False, eps=eps)",
    )


batch_norm = batch_norm_training("batch_norm", (n, c), (n,))
batch_norm_2d = batch_norm_training("batch_norm_2d", (n, c, h, w), (n, h, w))
batch_norm_eval = batch_norm_evaluation("batch_norm_eval", (n, c))
batch_norm_2d_eval = batch_norm_evaluation("batch_norm_2d_eval", (n, c, h, w))
