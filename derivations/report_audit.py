"""The equations of the report that started this project, claim by claim: `gradlab audit`.

"Assignment 1: MLPs, CNNs and Backpropagation" derives these by hand. Its letters are kept: i, j, k for features, s for
samples; xt is the pre-activation x~ of a layer, x its activation. `expected` is what reading them by hand gave.
"""

from sympy import Idx, IndexedBase, Max, Sum, exp, log, symbols

from gradlab.operation import positive, simplex
from gradlab.symbolic.claims import claim
from gradlab.symbolic.definition import Definition, fact, given, let

N, D, K = symbols("N D K", integer=True)
n, d, e, k = Idx("n", N), Idx("d", D), Idx("e", D), Idx("k", K)
x, xt, t, weight, bias, log_x, up = map(IndexedBase, ("x", "xt", "t", "weight", "bias", "log_x", "up"))
loss, total = symbols("loss total")

cross_entropy = Definition(
    name="report_cross_entropy",
    summary="L = -sum_i t_i log x_i for one sample.",
    inputs=[given(x[d], positive()), given(t[d], simplex(zeros=True), differentiable=False)],
    lets=[let(log_x[d], log(x[d])), let(loss, -Sum(t[d] * log_x[d], d))],
    output=loss,
    facts=[fact(Sum(t[d], d), 1)],
    reference="-(t * torch.log(x)).sum()",
)

output_layer = Definition(
    name="report_output_layer",
    summary="Softmax x of xt and its cross-entropy against t, for one sample.",
    inputs=[given(xt[d]), given(t[d], simplex(zeros=True), differentiable=False)],
    lets=[
        let(up[d], exp(xt[d])),
        let(total, Sum(up[e], e)),
        let(x[d], up[d] / total),
        let(log_x[d], xt[d] - log(total)),
        let(loss, -Sum(t[d] * log_x[d], d)),
    ],
    output=loss,
    facts=[fact(Sum(t[d], d), 1)],
    reference="-(t * torch.log_softmax(xt, dim=-1)).sum()",
)

linear = Definition(
    name="report_linear",
    summary="xt = W x + b for one sample.",
    inputs=[given(weight[d, k]), given(x[k]), given(bias[d])],
    lets=[let(xt[d], Sum(weight[d, k] * x[k], k) + bias[d])],
    output=xt[d],
    reference="weight @ x + bias",
)

hidden = Definition(
    name="report_hidden",
    summary="x = max(xt, 0) for one sample.",
    inputs=[given(xt[d])],
    lets=[let(x[d], Max(xt[d], 0))],
    output=x[d],
    reference="torch.relu(xt)",
)

batch_hidden = Definition(
    name="report_batch_hidden",
    summary="x = max(xt, 0) for a batch.",
    inputs=[given(xt[n, d])],
    lets=[let(x[n, d], Max(xt[n, d], 0))],
    output=x[n, d],
    reference="torch.relu(xt)",
)

batch_linear = Definition(
    name="report_batch_linear",
    summary="xt = W x + b for a batch.",
    inputs=[given(weight[d, k]), given(x[n, k]), given(bias[d])],
    lets=[let(xt[n, d], Sum(weight[d, k] * x[n, k], k) + bias[d])],
    output=xt[n, d],
    reference="x @ weight.T + bias",
)

CLAIMS = [
    claim(cross_entropy, wrt="x[i]", jacobian="-t[i]/x[i]", label="3", says="dL/dx = [-t_i / x_i]"),
    claim(cross_entropy, wrt="x", shape="1 x D", label="3, shape", says="dL/dx is in R^(1 x d_N)"),
    claim(
        "softmax",
        wrt="x",
        jacobian="y[i]*(1 - y[j])",
        where="i == j",
        label="7",
        says="dx_i/dxt_j for i = j is x_i (1 - x_j); softmax's x and xt are y and x here",
    ),
    claim(
        "softmax",
        wrt="x",
        jacobian="-y[i]*y[j]",
        where="i != j",
        label="8",
        says="dx_i/dxt_j for i != j is -x_i x_j",
    ),
    claim(
        "softmax",
        wrt="x",
        jacobian="y[i]*(delta(i,j) - y[j])",
        label="10",
        says="the softmax Jacobian is [x_i (1[i=j] - x_j)]",
    ),
    claim(
        hidden,
        of="x[i]",
        wrt="xt[j]",
        jacobian="delta(i,j)*(xt[j] > 0)",
        label="11",
        says="the ReLU Jacobian is diag(1[xt > 0]); the derivative at 0 is 0",
    ),
    claim(linear, of="xt[i]", wrt="x[j]", jacobian="weight[i,j]", label="12", says="dxt/dx = W"),
    claim(
        linear,
        of="xt[i]",
        wrt="weight[j,k]",
        jacobian="delta(i,j)*x[k]",
        label="15",
        says="dxt_i/dW_jk = x_k if i = j, else 0",
    ),
    claim(
        linear,
        of="xt[i]",
        wrt="weight[j,k]",
        jacobian="x[k]*delta(j,i)",
        label="17",
        says="dxt/dW is a stack of matrices, the i-th with row i = x and zeros elsewhere",
    ),
    claim(
        linear,
        of="xt[i]",
        wrt="bias[j]",
        jacobian="1",
        label="18",
        says="dxt/db is the all-ones matrix",
        expected="refuted",
    ),
    claim(
        output_layer,
        wrt="xt[i]",
        jacobian="-t[i]*(1 - sum[j](x[j]))",
        label="19",
        says="dL/dxt of the last layer has entries -t_i (1 - sum_j x_j)",
        expected="refuted",
    ),
    claim(
        hidden,
        wrt="xt[i]",
        vjp="g[i]*(xt[i] > 0)",
        label="20",
        says="dL/dxt = dL/dx diag(1[xt > 0])",
    ),
    claim(hidden, wrt="xt", shape="D x D", label="20, shape", says="it is in R^(d_l x d_l)", expected="refuted"),
    claim(linear, wrt="x[j]", vjp="sum[i](g[i]*weight[i,j])", label="21", says="dL/dx = dL/dxt W of the next layer"),
    claim(linear, wrt="x", shape="1 x K", label="21, shape", says="it is in R^(1 x d_l)"),
    claim(
        linear,
        wrt="weight[i,k]",
        vjp="g[i]*x[k]",
        label="22",
        says="dL/dW is the outer product with entries dL/dxt_i x_k",
    ),
    claim(linear, wrt="bias[i]", vjp="g[i]", label="23", says="dL/db = dL/dxt"),
    claim(linear, wrt="bias", shape="1 x D", label="23, shape", says="it is in R^(1 x d_l)"),
    claim(
        linear,
        wrt="bias[i]",
        vjp="sum[j](g[j])",
        label="23, derivation",
        says="obtained as dL/dxt times the all-ones matrix of equation 18",
        expected="refuted",
    ),
    claim(
        "softmax_cross_entropy",
        wrt="x",
        shape="1 x D x N",
        label="1.1c, last layer",
        says="for a batch of B, dL/dxt is in R^(1 x d_l x B)",
    ),
    claim(
        batch_hidden,
        wrt="xt",
        shape="D x D x N",
        label="1.1c, pre-activation",
        says="for l < N, dL/dxt is in R^(d_l x d_l x B)",
        expected="refuted",
    ),
    claim(
        batch_linear,
        wrt="x",
        shape="1 x K x N",
        label="1.1c, activation",
        says="for l < N, dL/dx is in R^(1 x d_l x B)",
    ),
    claim(
        batch_linear,
        wrt="bias",
        shape="1 x D x N",
        label="1.1c, bias",
        says="dL/db is in R^(1 x d_l x B)",
        expected="refuted",
    ),
    claim(
        "batch_norm",
        of="y[s,i]",
        wrt="gamma[j]",
        jacobian="delta(i,j)*x[s,i]",
        label="26",
        says="dy_i^s/dgamma_j = x_i^s if i = j, else 0",
        expected="refuted",
    ),
    claim(
        "batch_norm",
        wrt="gamma[j]",
        vjp="sum[s](g[s,j]*x[s,j])",
        label="28",
        says="dL/dgamma_j = sum_s dL/dy_j^s x_j^s",
        expected="refuted",
    ),
    claim("batch_norm", of="y[s,i]", wrt="beta[j]", jacobian="delta(i,j)", label="31", says="dy_i^s/dbeta_j = 1[i=j]"),
    claim("batch_norm", wrt="beta[j]", vjp="sum[s](g[s,j])", label="33", says="dL/dbeta_j = sum_s dL/dy_j^s"),
    claim(
        "batch_norm",
        wrt="x[s,j]",
        vjp="gamma[j]*inv_std[j]/N * (N*g[s,j] - sum[r](g[r,j]) - x_hat[s,j]*sum[r](g[r,j]*x_hat[r,j]))",
        label="3.2a, third",
        says="dL/dx was not derived in the report; this is what the engine derives",
    ),
]
