"""Group normalisation of images: the channels in groups, each normalised with its own mean and variance."""

from sympy import Idx, IndexedBase, Sum, sqrt, symbols

from gradlab.operation import Packed, Parameter
from gradlab.symbolic.definition import Definition, given, let

N, K, H, W, num_groups = symbols("N K H W num_groups", integer=True)
n, g, k, h, w = Idx("n", N), Idx("g", num_groups), Idx("k", K), Idx("h", H), Idx("w", W)
x, weight, bias, mu, xc, var, inv_std, x_hat, y = map(
    IndexedBase, ("x", "weight", "bias", "mu", "xc", "var", "inv_std", "x_hat", "y")
)
eps = symbols("eps", positive=True)

group_norm = Definition(
    name="group_norm",
    summary="Normalisation over each group of channels, h and w, with weight and bias per channel.",
    inputs=[given(x[n, g, k, h, w]), given(weight[g, k]), given(bias[g, k])],
    lets=[
        let(mu[n, g], Sum(x[n, g, k, h, w], k, h, w) / (K * H * W)),
        let(xc[n, g, k, h, w], x[n, g, k, h, w] - mu[n, g]),
        let(var[n, g], Sum(xc[n, g, k, h, w] ** 2, k, h, w) / (K * H * W)),
        let(inv_std[n, g], 1 / sqrt(var[n, g] + eps)),
        let(x_hat[n, g, k, h, w], xc[n, g, k, h, w] * inv_std[n, g]),
        let(y[n, g, k, h, w], weight[g, k] * x_hat[n, g, k, h, w] + bias[g, k]),
    ],
    output=y[n, g, k, h, w],
    packed=Packed("c", "num_groups", "k"),
    parameters=[Parameter("num_groups", 1, 1, 4, integer=True), Parameter("eps", 1e-5, 1e-8, 1e-1)],
    reference="torch.nn.functional.group_norm(x, num_groups, weight, bias, eps)",
)
