"""Layer normalisation over the last axis: by mean and variance, and by the root mean square alone."""

from sympy import Idx, IndexedBase, Sum, sqrt, symbols

from gradlab.operation import Parameter
from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, weight, bias, mu, xc, var, inv_std, x_hat, y, mean_square, inv_rms = map(
    IndexedBase, ("x", "weight", "bias", "mu", "xc", "var", "inv_std", "x_hat", "y", "mean_square", "inv_rms")
)
eps = symbols("eps", positive=True)

layer_norm = Definition(
    name="layer_norm",
    summary="Layer normalisation over the last axis, with the biased variance, weight and bias.",
    inputs=[given(x[n, d]), given(weight[d]), given(bias[d])],
    lets=[
        let(mu[n], Sum(x[n, d], d) / D),
        let(xc[n, d], x[n, d] - mu[n]),
        let(var[n], Sum(xc[n, d] ** 2, d) / D),
        let(inv_std[n], 1 / sqrt(var[n] + eps)),
        let(x_hat[n, d], xc[n, d] * inv_std[n]),
        let(y[n, d], weight[d] * x_hat[n, d] + bias[d]),
    ],
    output=y[n, d],
    leading=N,
    parameters=[Parameter("eps", 1e-5, 1e-8, 1e-1)],
    reference="torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, eps=eps)",
)

rms_norm = Definition(
    name="rms_norm",
    summary="Division by the root mean square over the last axis, with weight.",
    inputs=[given(x[n, d]), given(weight[d])],
    lets=[
        let(mean_square[n], Sum(x[n, d] ** 2, d) / D),
        let(inv_rms[n], 1 / sqrt(mean_square[n] + eps)),
        let(x_hat[n, d], x[n, d] * inv_rms[n]),
        let(y[n, d], weight[d] * x_hat[n, d]),
    ],
    output=y[n, d],
    leading=N,
    parameters=[Parameter("eps", 1e-5, 1e-8, 1e-1)],
    reference="torch.nn.functional.rms_norm(x, x.shape[-1:], weight, eps=eps)",
)
