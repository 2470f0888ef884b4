"""Instance normalisation of images: each channel of each sample by its own mean and variance over h and w."""

from sympy import Idx, IndexedBase, Sum, sqrt, symbols

from gradlab.operation import Parameter
from gradlab.symbolic.definition import Definition, given, let

N, C, H, W = symbols("N C H W", integer=True)
n, c, h, w = Idx("n", N), Idx("c", C), Idx("h", H), Idx("w", W)
x, weight, bias, mu, xc, var, inv_std, x_hat, y = map(
    IndexedBase, ("x", "weight", "bias", "mu", "xc", "var", "inv_std", "x_hat", "y")
)
eps = symbols("eps", positive=True)

instance_norm = Definition(
    name="instance_norm",
    summary="Normalisation over h and w for each n and c, with the biased variance, weight and bias.",
    inputs=[given(x[n, c, h, w]), given(weight[c]), given(bias[c])],
    lets=[
        let(mu[n, c], Sum(x[n, c, h, w], h, w) / (H * W)),
        let(xc[n, c, h, w], x[n, c, h, w] - mu[n, c]),
        let(var[n, c], Sum(xc[n, c, h, w] ** 2, h, w) / (H * W)),
        let(inv_std[n, c], 1 / sqrt(var[n, c] + eps)),
        let(x_hat[n, c, h, w], xc[n, c, h, w] * inv_std[n, c]),
        let(y[n, c, h, w], weight[c] * x_hat[n, c, h, w] + bias[c]),
    ],
    output=y[n, c, h, w],
    parameters=[Parameter("eps", 1e-5, 1e-8, 1e-1)],
    reference="torch.nn.functional.instance_norm(x, weight=weight, bias=bias, eps=eps)",
)
