"""Operations that the library does not ship, each to exercise one ability of the engine."""

from sympy import Expr, Idx, IndexedBase, Integer, Max, Sum, exp, log, sqrt, symbols

from gradlab.operation import Parameter, labels, mask, non_negative, one_hot, positive, real, signs, simplex
from gradlab.symbolic.definition import Definition, Input, argmax, fact, given, let

N, M, D, K, P = symbols("N M D K P", integer=True)
n, m, d, e, k, o = (Idx(name, size) for name, size in (("n", N), ("m", N), ("d", D), ("e", D), ("k", K), ("o", P)))
r = Idx("r", M)
a, h, p, q, s, t, u, v, w, x, y, z = map(IndexedBase, "ahpqstuvwxyz")
label, weight, gamma, beta, mu, var, keys, values = map(
    IndexedBase, ("label", "weight", "gamma", "beta", "mu", "var", "keys", "values")
)
loss, total = symbols("loss total")
eps = symbols("eps", positive=True)
alpha = symbols("alpha")

EPS = Parameter("eps", 1e-5, 1e-8, 1e-1)


def operation(
    name: str, inputs: list[Input | Expr], lets: list[tuple[Expr, Expr]], reference: str, **options: object
) -> Definition:
    """A definition whose output is the last binding."""
    return Definition(
        name=name,
        summary=f"{name}.",
        inputs=[item if isinstance(item, Input) else given(item) for item in inputs],
        lets=[let(entry, value) for entry, value in lets],
        output=lets[-1][0],
        reference=reference,
        **options,
    )


_sigmoid = [(s[n], 1 / (1 + exp(-x[n])))]

EXAMPLES = [
    operation(
        "layer_norm",
        [x[n, d], gamma[d], beta[d]],
        [
            (mu[n], Sum(x[n, d], d) / D),
            (z[n, d], x[n, d] - mu[n]),
            (var[n], Sum(z[n, d] ** 2, d) / D),
            (s[n], 1 / sqrt(var[n] + eps)),
            (h[n, d], z[n, d] * s[n]),
            (y[n, d], gamma[d] * h[n, d] + beta[d]),
        ],
        "F.layer_norm(x, x.shape[-1:], gamma, beta, eps=eps)",
        parameters=[EPS],
    ),
    operation(
        "rms_norm",
        [x[n, d], gamma[d]],
        [
            (s[n], 1 / sqrt(Sum(x[n, d] ** 2, d) / D + eps)),
            (h[n, d], x[n, d] * s[n]),
            (y[n, d], gamma[d] * h[n, d]),
        ],
        "F.rms_norm(x, x.shape[-1:], gamma, eps=eps)",
        parameters=[EPS],
    ),
    operation(
        "logsumexp",
        [x[n, d]],
        [(p[n, d], exp(x[n, d])), (s[n], Sum(p[n, d], d)), (y[n], log(s[n]))],
        "torch.logsumexp(x, -1)",
    ),
    operation(
        "mse",
        [x[n, d], t[n, d]],
        [(z[n, d], x[n, d] - t[n, d]), (loss, Sum(z[n, d] ** 2, n, d) / (N * D))],
        "F.mse_loss(x, t)",
    ),
    operation(
        "mse_one_line", [x[n, d], t[n, d]], [(loss, Sum((x[n, d] - t[n, d]) ** 2, n, d) / N / D)], "F.mse_loss(x, t)"
    ),
    operation(
        "l2_normalize",
        [x[n, d]],
        [(s[n], 1 / sqrt(Sum(x[n, d] ** 2, d))), (y[n, d], x[n, d] * s[n])],
        "F.normalize(x, dim=-1)",
    ),
    operation(
        "attention",
        [q[n, d], keys[r, d], values[r, o]],
        [
            (s[n, r], Sum(q[n, d] * keys[r, d], d) / sqrt(D)),
            (p[n, r], exp(s[n, r])),
            (z[n], Sum(p[n, r], r)),
            (a[n, r], p[n, r] / z[n]),
            (y[n, o], Sum(a[n, r] * values[r, o], r)),
        ],
        "F.scaled_dot_product_attention(q[None], keys[None], values[None])[0]",
    ),
    operation(
        "self_attention",
        [q[n, d], keys[n, d], values[n, o]],
        [
            (s[n, m], Sum(q[n, d] * keys[m, d], d) / sqrt(D)),
            (p[n, m], exp(s[n, m])),
            (z[n], Sum(p[n, m], m)),
            (a[n, m], p[n, m] / z[n]),
            (y[n, o], Sum(a[n, m] * values[m, o], m)),
        ],
        "F.scaled_dot_product_attention(q[None], keys[None], values[None])[0]",
    ),
    operation("sigmoid", [x[n]], _sigmoid, "torch.sigmoid(x)"),
    operation("swish", [x[n]], [*_sigmoid, (y[n], x[n] * s[n])], "F.silu(x)"),
    operation(
        "tanh",
        [x[n]],
        [(u[n], exp(2 * x[n])), (y[n], (u[n] - 1) / (u[n] + 1))],
        "torch.tanh(x)",
    ),
    operation("softplus", [x[n]], [(y[n], log(1 + exp(x[n])))], "F.softplus(x)"),
    operation(
        "binary_cross_entropy",
        [x[n], given(t[n], mask())],
        [(loss, Sum(log(1 + exp(x[n])) - t[n] * x[n], n) / N)],
        "F.binary_cross_entropy_with_logits(x, t)",
    ),
    operation(
        "variance",
        [x[n, d]],
        [(mu[d], Sum(x[n, d], n) / N), (z[n, d], x[n, d] - mu[d]), (var[d], Sum(z[n, d] ** 2, n) / N)],
        "x.var(0, unbiased=False)",
    ),
    operation(
        "unbiased_variance",
        [x[n, d]],
        [(mu[d], Sum(x[n, d], n) / N), (z[n, d], x[n, d] - mu[d]), (var[d], Sum(z[n, d] ** 2, n) / (N - 1))],
        "x.var(0)",
    ),
    operation(
        "standard_deviation",
        [x[n, d]],
        [(mu[d], Sum(x[n, d], n) / N), (z[n, d], x[n, d] - mu[d]), (y[d], sqrt(Sum(z[n, d] ** 2, n) / N))],
        "x.std(0, unbiased=False)",
    ),
    operation("gram", [x[n, d]], [(y[n, m], Sum(x[n, d] * x[m, d], d))], "x @ x.T"),
    operation("gram_of_columns", [x[n, d]], [(y[d, e], Sum(x[n, d] * x[n, e], n))], "x.T @ x"),
    operation("quadratic_form", [x[n], w[n, m]], [(loss, Sum(x[n] * w[n, m] * x[m], n, m))], "x @ w @ x"),
    operation(
        "bilinear",
        [x[n, d], w[d, e], z[n, e]],
        [(y[n], Sum(x[n, d] * w[d, e] * z[n, e], d, e))],
        "torch.einsum('nd,de,ne->n', x, w, z)",
    ),
    operation("outer", [x[n], z[d]], [(y[n, d], x[n] * z[d])], "torch.outer(x, z)"),
    operation("self_outer", [x[n]], [(y[n, m], x[n] * x[m])], "torch.outer(x, x)"),
    operation(
        "squared_distances",
        [x[n, d], z[r, d]],
        [(y[n, r], Sum((x[n, d] - z[r, d]) ** 2, d))],
        "((x[:, None] - z[None]) ** 2).sum(-1)",
    ),
    operation(
        "self_distances",
        [x[n, d]],
        [(y[n, m], Sum((x[n, d] - x[m, d]) ** 2, d))],
        "((x[:, None] - x[None]) ** 2).sum(-1)",
    ),
    operation("trace", [x[n, m]], [(loss, Sum(x[n, n], n))], "torch.trace(x)"),
    operation("diagonal", [x[n, m]], [(y[n], x[n, n])], "torch.diagonal(x)"),
    operation(
        "diagonal_matrix_product", [x[n, m], z[n]], [(y[n, m], x[n, n] * z[m])], "torch.diagonal(x)[:, None] * z"
    ),
    operation("transpose", [x[n, d]], [(y[d, n], x[n, d])], "x.T"),
    operation("symmetrised", [x[n, m]], [(y[n, m], (x[n, m] + x[m, n]) / 2)], "(x + x.T) / 2"),
    operation(
        "gather", [x[n, d], given(label[n], labels("d"))], [(y[n], x[n, label[n]])], "x[torch.arange(len(x)), label]"
    ),
    operation(
        "embedding",
        [weight[k, d], given(label[n], labels("k"))],
        [(y[n, d], weight[label[n], d])],
        "F.embedding(label, weight)",
    ),
    operation(
        "embedding_bag",
        [weight[k, d], given(label[n, r], labels("k"))],
        [(y[n, d], Sum(weight[label[n, r], d], r) / M)],
        "F.embedding_bag(label, weight, mode='mean')",
    ),
    operation(
        "nested_gather",
        [weight[k, d], given(u[r], labels("k")), given(label[n], labels("m"))],
        [(z[r, d], weight[u[r], d] ** 2), (y[n, d], z[label[n], d])],
        "(weight[u] ** 2)[label]",
    ),
    operation(
        "class_weights",
        [w[k], given(label[n, r], labels("k"))],
        [(y[n, r], w[label[n, r]] ** 2)],
        "w[label] ** 2",
    ),
    operation(
        "gather_in_the_middle",
        [x[n, d, k], given(label[n], labels("d"))],
        [(y[n, k], x[n, label[n], k])],
        "x[torch.arange(len(x)), label]",
    ),
    operation(
        "gather_of_columns",
        [x[n, d, k], given(label[r], labels("d"))],
        [(y[n, r, k], x[n, label[r], k])],
        "x[:, label]",
    ),
    operation(
        "two_gathers",
        [x[d, k], given(label[n], labels("d")), given(u[n], labels("k"))],
        [(y[n], x[label[n], u[n]])],
        "x[label, u]",
    ),
    operation(
        "gather_beside_its_row",
        [x[n, d], given(label[n], labels("d"))],
        [(y[n, d], x[n, d] * x[n, label[n]])],
        "x * x.gather(1, label[:, None])",
    ),
    operation(
        "weighted_labels",
        [x[n, d], w[n], values[k], given(label[n], labels("k"))],
        [(y[n, d], x[n, d] * w[n]), (z[n], Sum(y[n, d] ** 2, d)), (loss, Sum(z[n] * values[label[n]], n))],
        "((x * w[:, None]).square().sum(1) * values[label]).sum()",
    ),
    operation(
        "maximum_of_rows",
        [x[n, d]],
        [(q[n], argmax(x[n, e], e)), (y[n], x[n, q[n]])],
        "x.max(1).values",
    ),
    operation(
        "minimum_of_columns",
        [x[n, d]],
        [(q[d], argmax(-x[m, d], m)), (y[d], x[q[d], d])],
        "x.min(0).values",
    ),
    operation(
        "maximum_of_a_plane",
        [x[n, d, k]],
        [(q[n], argmax(x[n, e, k], e, k)), (y[n], x[n, q[n], q[n]])],
        "x.flatten(1).max(1).values",
    ),
    operation(
        "maximum_of_a_plane_in_front",
        [x[d, k, n]],
        [(q[n], argmax(x[e, k, n], e, k)), (y[n], x[q[n], q[n], n] ** 2)],
        "x.flatten(0, 1).max(0).values ** 2",
    ),
    operation(
        "row_of_the_maximum",
        [x[n, d], z[d, k]],
        [(q[n], argmax(x[n, e], e)), (y[n, k], x[n, q[n]] * z[q[n], k])],
        "x.max(1).values[:, None] * z[x.argmax(1)]",
    ),
    operation(
        "maximum_of_products",
        [x[n, d], w[d]],
        [(z[n, d], x[n, d] * w[d]), (q[n], argmax(z[n, e], e)), (y[n], z[n, q[n]])],
        "(x * w).max(1).values",
    ),
    operation("weighted_mean", [x[n, d], w[n]], [(y[d], Sum(w[n] * x[n, d], n) / Sum(w[n], n))], "(w @ x) / w.sum()"),
    operation(
        "normalised_mean",
        [x[n], given(w[n], simplex())],
        [(loss, Sum(w[n] * x[n], n))],
        "(w * x).sum()",
        facts=[fact(Sum(w[n], n), 1)],
    ),
    operation("square", [x[n]], [(y[n], x[n] * x[n])], "x * x"),
    operation("cube_in_two_uses", [x[n]], [(z[n], x[n] ** 2), (y[n], z[n] * x[n] + z[n])], "x ** 3 + x ** 2"),
    operation("identity", [x[n]], [(y[n], x[n])], "x.clone()"),
    operation("broadcast", [x[n]], [(y[n, d], x[n] + 0)], "x[:, None].expand(-1, D)"),
    operation("scalar", [given(total)], [(loss, exp(total) * total)], "torch.exp(total) * total"),
    operation("scale_by_scalar", [x[n, d], given(total)], [(y[n, d], total * x[n, d])], "total * x"),
    operation("reciprocal", [given(x[n], positive())], [(y[n], 1 / x[n])], "1 / x"),
    operation("root", [given(x[n, d], positive())], [(y[n, d], sqrt(x[n, d]))], "torch.sqrt(x)"),
    operation(
        "inverse_cube_root_square",
        [given(x[n, d], positive())],
        [(y[n, d], x[n, d] ** -1 * sqrt(x[n, d] + 2))],
        "torch.sqrt(x + 2) / x",
    ),
    operation("root_of_product", [x[n], z[n]], [(y[n], sqrt(x[n] ** 2 * z[n] ** 2))], "(x * z).abs()"),
    operation("root_of_square", [x[n]], [(y[n], sqrt(x[n] ** 2))], "x.abs()"),
    operation(
        "masked_mean",
        [x[n, d], given(t[n, d], mask())],
        [(loss, Sum(x[n, d] * t[n, d], n, d) / (N * D))],
        "(x * t).mean()",
    ),
    operation(
        "masked_square",
        [x[n, d], given(t[n, d], mask())],
        [(loss, Sum((x[n, d] * t[n, d]) ** 2, n, d))],
        "(x * t).square().sum()",
    ),
    operation("signed", [x[n], given(t[n], signs())], [(y[n], Max(1 - t[n] * x[n], 0))], "F.relu(1 - t * x)"),
    operation(
        "picked", [x[n, d], given(t[n, d], one_hot())], [(y[n], Sum(x[n, d] ** 2 * t[n, d], d))], "(x ** 2 * t).sum(-1)"
    ),
    operation("squared_relu", [x[n]], [(y[n], Max(x[n], 0) ** 2)], "F.relu(x) ** 2"),
    operation(
        "leaky_relu",
        [x[n]],
        [(y[n], Max(x[n], 0) - alpha * Max(-x[n], 0))],
        "F.leaky_relu(x, alpha)",
        parameters=[Parameter("alpha", 0.01, 0.0, 1.0)],
    ),
    operation("interval", [given(x[n], real(-1, 1))], [(y[n], log(1 + x[n]) - log(1 - x[n]))], "2 * torch.atanh(x)"),
    operation("distance", [given(x[n], non_negative())], [(y[n], sqrt(x[n]))], "torch.sqrt(x)"),
    operation(
        "mlp",
        [x[n, d], weight[o, d], beta[o], w[k, o]],
        [
            (z[n, o], Sum(x[n, d] * weight[o, d], d) + beta[o]),
            (h[n, o], Max(z[n, o], 0)),
            (y[n, k], Sum(h[n, o] * w[k, o], o)),
        ],
        "F.relu(x @ weight.T + beta) @ w.T",
    ),
    operation("constant_in_root", [x[n]], [(y[n], sqrt(2) * x[n])], "2 ** 0.5 * x"),
    operation("unused_input", [x[n], z[n, d]], [(y[n], x[n] ** 2)], "x ** 2"),
    operation("unused_binding", [x[n]], [(z[n], exp(x[n])), (y[n], x[n] ** 2)], "x ** 2"),
    operation("twins", [x[n]], [(u[n], exp(x[n])), (v[n], exp(x[n])), (y[n], u[n] * v[n])], "torch.exp(2 * x)"),
    operation("sum_of_one", [x[n]], [(y[n], x[n] * Sum(Integer(1), d))], "x * D"),
    operation(
        "product_of_sums", [x[n, d]], [(y[n], Sum(x[n, d], d) * Sum(x[n, d] ** 2, d))], "x.sum(-1) * (x ** 2).sum(-1)"
    ),
    operation(
        "temperature",
        [x[n, d]],
        [(p[n, d], exp(x[n, d] / alpha)), (z[n], Sum(p[n, d], d)), (y[n, d], p[n, d] / z[n])],
        "torch.softmax(x / alpha, -1)",
        shift=d,
        parameters=[Parameter("alpha", 1.0, 0.5, 3.0)],
    ),
    operation(
        "gate",
        [x[n, d], z[n], w[n]],
        [(u[n, d], x[n, d] * z[n]), (y[n], w[n] * Sum(u[n, d] ** 3, d))],
        "w * ((x * z[:, None]) ** 3).sum(-1)",
    ),
]
