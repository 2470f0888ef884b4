"""Formulas that a reader might type."""

FORMULAS = {
    "softmax": "y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))",
    "log_sum_exp": "y[n] = log(sum[d](exp(x[n,d])))",
    "layer_norm": """
        mu[n] = mean[d](x[n,d])
        var[n] = mean[d]((x[n,d] - mu[n])**2)
        y[n,d] = gamma[d] * (x[n,d] - mu[n]) / sqrt(var[n] + eps) + beta[d]
    """,
    # One head of attention (Vaswani et al. 2017).
    "attention": """
        s[q,k] = sum[d](Q[q,d] * K[k,d]) / sqrt(D)
        p[q,k] = exp(s[q,k]) / sum[j](exp(s[q,j]))
        y[q,v] = sum[k](p[q,k] * V[k,v])
    """,
    # The gated layer of today's transformers (Shazeer 2020).
    "swiglu": """
        h[n,f] = sum[d](x[n,d] * w[f,d])
        y[n,f] = h[n,f] / (1 + exp(-h[n,f])) * sum[d](x[n,d] * v[f,d])
    """,
    # Direct preference optimisation (Rafailov et al. 2023), with w and l the log-ratios of the answers.
    "dpo": "loss = mean[n](log(1 + exp(-beta * (w[n] - l[n]))))",
    # The energy of a lattice field with a double-well potential.
    "double_well": "E = sum[n](0.25 * (1 - u[n]**2)**2) + 0.5 * sum[n,m](u[n] * A[n,m] * u[m])",
    "distances": "D2[i,j] = sum[k]((x[i,k] - z[j,k])**2)",
    "hinge": "loss = mean[n](max(0, 1 - t[n] * y[n]))",
    "cross_entropy": "loss = -mean[n](log(p[n,label[n]]))",
    "gelu": "y[n] = x[n] * normal_cdf(x[n])",
    "largest": "y[n] = max[k](x[n,k]) - 0.5 * min[k](x[n,k])",
    "frobenius": "f = sqrt(sum[i,j](A[i,j]**2) + 1)",
}
