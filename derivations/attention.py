"""Scaled dot-product attention: without a mask, with a boolean one, and with a bias added to the scores.

A query that may see no key gets 0 from the boolean mask, as in torch. From a bias of -inf alone it gets NaN, the
softmax of nothing, where torch 2.15 gives 0 as well: say that with the boolean mask.
"""

from sympy import Expr, Idx, IndexedBase, Max, Sum, exp, sqrt, symbols

from gradlab.operation import mask
from gradlab.symbolic.definition import Definition, Input, Let, given, let, shift

N, Q, K, C, V = symbols("N Q K C V", integer=True)
n, i, j, c, v = Idx("n", N), Idx("i", Q), Idx("j", K), Idx("c", C), Idx("v", V)
query, key, value, attn_mask, dot, s, e, total, count, p, y = map(
    IndexedBase, ("query", "key", "value", "attn_mask", "dot", "s", "e", "total", "count", "p", "y")
)


def attention(
    name: str,
    summary: str,
    masks: list[Input],
    scores: list[Let],
    weight: Expr | int,
    rest: Expr | int,
    where: Expr | None,
    arguments: str,
) -> Definition:
    """softmax(query key / sqrt(c)) value, with what the mask does to the scores and to their sum."""
    return Definition(
        name=name,
        summary=summary,
        inputs=[given(query[n, i, c]), given(key[n, j, c]), given(value[n, j, v]), *masks],
        lets=[
            *scores,
            let(e[n, i, j], weight * exp(s[n, i, j])),
            let(total[n, i], Sum(e[n, i, j], j) + rest),
            let(p[n, i, j], e[n, i, j] / total[n, i]),
            let(y[n, i, v], Sum(p[n, i, j] * value[n, j, v], j)),
        ],
        output=y[n, i, v],
        leading=N,
        shift=shift(s[n, i, j], j, where=where),
        reference=f"torch.nn.functional.scaled_dot_product_attention({arguments})",
    )


scaled = Sum(query[n, i, c] * key[n, j, c], c) / sqrt(C)
scaled_dot_product_attention = attention(
    "scaled_dot_product_attention",
    "softmax(query @ key.T / sqrt(c)) @ value.",
    [],
    [let(s[n, i, j], scaled)],
    1,
    0,
    None,
    "query, key, value",
)
scaled_dot_product_attention_bias = attention(
    "scaled_dot_product_attention_bias",
    "Attention with attn_mask added to the scores; a row of -inf alone gives NaN.",
    [given(attn_mask[n, i, j])],
    [let(dot[n, i, j], scaled), let(s[n, i, j], dot[n, i, j] + attn_mask[n, i, j])],
    1,
    0,
    None,
    "query, key, value, attn_mask",
)
scaled_dot_product_attention_mask = attention(
    "scaled_dot_product_attention_mask",
    "Attention to the keys where attn_mask is True; without any, 0.",
    [given(attn_mask[n, i, j], mask(0.8))],
    [let(s[n, i, j], scaled), let(count[n, i], Sum(attn_mask[n, i, j], j))],
    attn_mask[n, i, j],
    # Counts as a key of value 0 where there is no other: 0 / 1 = 0.
    Max(1 - count[n, i], 0),
    attn_mask[n, i, j],
    "query, key, value, attn_mask",
)
