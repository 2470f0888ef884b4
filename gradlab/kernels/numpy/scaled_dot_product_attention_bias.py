"""scaled_dot_product_attention_bias: Attention with attn_mask added to the scores; a row of -inf alone gives NaN.

Generated from derivations/attention.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 3382d6584f06d511. Saved for the backward: query, key, value, p.
The backward has 5 reductions and 6 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive scaled_dot_product_attention_bias --to text` prints.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="scaled_dot_product_attention_bias",
    summary="Attention with attn_mask added to the scores; a row of -inf alone gives NaN.",
    signature=Signature.parse("(...,q,c),(...,k,c),(...,k,v),(...,q,k)->(...,q,v)"),
    arguments=(
        Argument("query", real()),
        Argument("key", real()),
        Argument("value", real()),
        Argument("attn_mask", real()),
    ),
    saved=("query", "key", "value", "p"),
    reference="torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask)",
    digest="3382d6584f06d511",
    output="y",
    curved=("query", "key", "value", "attn_mask"),
)


def forward(query: Array, key: Array, value: Array, attn_mask: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...,q,c),(...,k,c),(...,k,v),(...,q,k)->(...,q,v).

    What `backward` needs: query, key, value, p.
    """
    c = query.shape[-1]
    inverse_c = 1 / c if c else np.nan
    # (1) dot[n,i,j] = sum[c](key[n,j,c] * query[n,i,c]) / sqrt(C)
    dot = query @ key.mT
    dot *= math.sqrt(c) * inverse_c
    # (2) s[n,i,j] = attn_mask[n,i,j] + dot[n,i,j]
    s = attn_mask + dot
    # exp cannot overflow: z is s less its maximum, and no result depends on the shift
    z = np.subtract(s, s.max(axis=-1, keepdims=True, initial=-np.inf), out=s)
    # (3) e[n,i,j] = exp(s[n,i,j])
    e = np.exp(z, out=z)
    # (4) total[n,i] = sum[j](e[n,i,j])
    total = np.einsum("...i->...", e)
    # (5) p[n,i,j] = e[n,i,j] / total[n,i]
    p = np.multiply(e, (1 / total)[..., :, None], out=e)
    # (6) y[n,i,v] = sum[j](p[n,i,j] * value[n,j,v])
    y = p @ value
    return y, (query, key, value, p)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True, True, True)
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    query, key, value, p = saved
    c = query.shape[-1]
    inverse_c = 1 / c if c else np.nan
    grad_query: Array | None = None
    grad_key: Array | None = None
    grad_value: Array | None = None
    grad_attn_mask: Array | None = None
    # (10) grad_p[n,i,j] = sum[v](grad_output[n,i,v] * value[n,j,v])
    grad_p = grad_output @ value.mT
    # (22) grad_dot[n,i,j] = p[n,i,j] * (grad_p[n,i,j] - sum[j'](grad_p[n,i,j'] * p[n,i,j']))
    dot_grad_p_p = np.vecdot(grad_p, p)
    grad_dot = grad_p - dot_grad_p_p[..., :, None]
    grad_dot *= p
    if needs[2]:
        # (28) grad_value[n,j,v] = sum[i](grad_output[n,i,v] * p[n,i,j])
        grad_value = p.mT @ grad_output
    if needs[0]:
        # (24) grad_query[n,i,c] = sum[j](grad_dot[n,i,j] * key[n,j,c]) / sqrt(C)
        grad_query = grad_dot @ key
        grad_query *= math.sqrt(c) * inverse_c
    if needs[1]:
        # (26) grad_key[n,j,c] = sum[i](grad_dot[n,i,j] * query[n,i,c]) / sqrt(C)
        grad_key = grad_dot.mT @ query
        grad_key *= math.sqrt(c) * inverse_c
    if needs[3]:
        # (31) grad_attn_mask[n,i,j] = p[n,i,j] * (grad_p[n,i,j] - sum[j'](grad_p[n,i,j'] * p[n,i,j']))
        grad_attn_mask = grad_p - dot_grad_p_p[..., :, None]
        grad_attn_mask *= p
    return grad_query, grad_key, grad_value, grad_attn_mask


def jvp(
    saved: tuple[Array, ...], tangent_query: Array, tangent_key: Array, tangent_value: Array, tangent_attn_mask: Array
) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    query, key, value, p = saved
    c = tangent_query.shape[-1]
    inverse_c = 1 / c if c else np.nan
    # (35) tangent_s[n,i,j] = tangent_attn_mask[n,i,j] + sum[c](key[n,j,c] * tangent_query[n,i,c]) / sqrt(C) +
    #     sum[c](query[n,i,c] * tangent_key[n,j,c]) / sqrt(C)
    dot_key_tangent_query = tangent_query @ key.mT
    dot_query_tangent_key = query @ tangent_key.mT
    tangent_s = dot_key_tangent_query * (math.sqrt(c) * inverse_c)
    part = dot_query_tangent_key * (math.sqrt(c) * inverse_c)
    tangent_s += part
    tangent_s += tangent_attn_mask
    # (45) tangent_p[n,i,j] = p[n,i,j] * (tangent_s[n,i,j] - sum[j'](p[n,i,j'] * tangent_s[n,i,j']))
    dot_p_tangent_s = np.vecdot(p, tangent_s)
    tangent_p = tangent_s - dot_p_tangent_s[..., :, None]
    tangent_p *= p
    # (47) tangent_y[n,i,v] = sum[j](p[n,i,j] * tangent_value[n,j,v]) + sum[j](tangent_p[n,i,j] * value[n,j,v])
    dot_p_tangent_value = p @ tangent_value
    dot_tangent_p_value = tangent_p @ value
    tangent_y = dot_p_tangent_value + dot_tangent_p_value
    return tangent_y


def hvp(
    saved: tuple[Array, ...],
    grad_output: Array,
    tangent_query: Array,
    tangent_key: Array,
    tangent_value: Array,
    tangent_attn_mask: Array,
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    query, key, value, p = saved
    c = tangent_query.shape[-1]
    inverse_c = 1 / c if c else np.nan
    # (10) grad_p[n,i,j] = sum[v](grad_output[n,i,v] * value[n,j,v])
    grad_p = grad_output @ value.mT
    # (22) grad_dot[n,i,j] = p[n,i,j] * (grad_p[n,i,j] - sum[j'](grad_p[n,i,j'] * p[n,i,j']))
    dot_grad_p_p = np.vecdot(grad_p, p)
    grad_dot = grad_p - dot_grad_p_p[..., :, None]
    grad_dot *= p
    # (35) tangent_s[n,i,j] = tangent_attn_mask[n,i,j] + sum[c](key[n,j,c] * tangent_query[n,i,c]) / sqrt(C) +
    #     sum[c](query[n,i,c] * tangent_key[n,j,c]) / sqrt(C)
    dot_key_tangent_query = tangent_query @ key.mT
    dot_query_tangent_key = query @ tangent_key.mT
    tangent_s = dot_key_tangent_query * (math.sqrt(c) * inverse_c)
    part = dot_query_tangent_key * (math.sqrt(c) * inverse_c)
    tangent_s += part
    tangent_s += tangent_attn_mask
    # (45) tangent_p[n,i,j] = p[n,i,j] * (tangent_s[n,i,j] - sum[j'](p[n,i,j'] * tangent_s[n,i,j']))
    dot_p_tangent_s = np.vecdot(p, tangent_s)
    tangent_p = tangent_s - dot_p_tangent_s[..., :, None]
    tangent_p *= p
    # (49) tangent_grad_p[n,i,j] = sum[v](grad_output[n,i,v] * tangent_value[n,j,v])
    tangent_grad_p = grad_output @ tangent_value.mT
    # (51) tangent_grad_dot[n,i,j] = grad_p[n,i,j] * tangent_p[n,i,j] + p[n,i,j] * tangent_grad_p[n,i,j] - p[n,i,j]
    #     * sum[j'](grad_p[n,i,j'] * tangent_p[n,i,j']) - tangent_p[n,i,j] * sum[j'](grad_p[n,i,j'] * p[n,i,j']) -
    #     p[n,i,j] * sum[j'](p[n,i,j'] * tangent_grad_p[n,i,j'])
    dot_grad_p_tangent_p = np.vecdot(grad_p, tangent_p)
    dot_p_tangent_grad_p = np.vecdot(p, tangent_grad_p)
    tangent_grad_dot = tangent_grad_p - dot_grad_p_tangent_p[..., :, None]
    tangent_grad_dot -= dot_p_tangent_grad_p[..., :, None]
    tangent_grad_dot *= p
    part_2 = grad_p - dot_grad_p_p[..., :, None]
    part_2 *= tangent_p
    tangent_grad_dot += part_2
    # (66) hvp_value[n,j,v] = sum[i](grad_output[n,i,v] * tangent_p[n,i,j])
    hvp_value = tangent_p.mT @ grad_output
    # (61) hvp_query[n,i,c] = (sum[j](grad_dot[n,i,j] * tangent_key[n,j,c]) + sum[j](key[n,j,c] *
    #     tangent_grad_dot[n,i,j])) / sqrt(C)
    dot_grad_dot_tangent_key = grad_dot @ tangent_key
    dot_key_tangent_grad_dot = tangent_grad_dot @ key
    hvp_query = dot_grad_dot_tangent_key + dot_key_tangent_grad_dot
    hvp_query *= math.sqrt(c) * inverse_c
    # (64) hvp_key[n,j,c] = (sum[i](grad_dot[n,i,j] * tangent_query[n,i,c]) + sum[i](query[n,i,c] *
    #     tangent_grad_dot[n,i,j])) / sqrt(C)
    dot_grad_dot_tangent_query = grad_dot.mT @ tangent_query
    dot_query_tangent_grad_dot = tangent_grad_dot.mT @ query
    hvp_key = dot_grad_dot_tangent_query + dot_query_tangent_grad_dot
    hvp_key *= math.sqrt(c) * inverse_c
    # (68) hvp_attn_mask[n,i,j] = grad_p[n,i,j] * tangent_p[n,i,j] + p[n,i,j] * tangent_grad_p[n,i,j] - p[n,i,j] *
    #     sum[j'](grad_p[n,i,j'] * tangent_p[n,i,j']) - tangent_p[n,i,j] * sum[j'](grad_p[n,i,j'] * p[n,i,j']) -
    #     p[n,i,j] * sum[j'](p[n,i,j'] * tangent_grad_p[n,i,j'])
    hvp_attn_mask = tangent_grad_p - dot_grad_p_tangent_p[..., :, None]
    hvp_attn_mask -= dot_p_tangent_grad_p[..., :, None]
    hvp_attn_mask *= p
    part_3 = grad_p - dot_grad_p_p[..., :, None]
    part_3 *= tangent_p
    hvp_attn_mask += part_3
    return hvp_query, hvp_key, hvp_value, hvp_attn_mask
