"""scaled_dot_product_attention_mask: Attention to the keys where attn_mask is True; without any, 0.

Generated from derivations/attention.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: d2e4a3273e2c94d3. Saved for the backward: query, key, value, p.
The backward has 5 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive scaled_dot_product_attention_mask --to text` prints.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, mask, real

Array = NDArray[Any]

OPERATION = Operation(
    name="scaled_dot_product_attention_mask",
    summary="Attention to the keys where attn_mask is True; without any, 0.",
    signature=Signature.parse("(...,q,c),(...,k,c),(...,k,v),(...,q,k)->(...,q,v)"),
    arguments=(
        Argument("query", real()),
        Argument("key", real()),
        Argument("value", real()),
        Argument("attn_mask", mask(0.8), differentiable=False),
    ),
    saved=("query", "key", "value", "p"),
    reference="torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask)",
    digest="d2e4a3273e2c94d3",
    output="y",
    curved=("query", "key", "value"),
)


def forward(query: Array, key: Array, value: Array, attn_mask: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...,q,c),(...,k,c),(...,k,v),(...,q,k)->(...,q,v).

    What `backward` needs: query, key, value, p.
    """
    c = query.shape[-1]
    inverse_c = 1 / c if c else np.nan
    # (1) s[n,i,j] = sum[c](key[n,j,c] * query[n,i,c]) / sqrt(C)
    s = query @ key.mT
    s *= math.sqrt(c) * inverse_c
    # exp cannot overflow: z is s less its maximum where attn_mask holds, and no result depends on the shift
    z = np.where(attn_mask, s, -np.inf)
    z = np.subtract(z, z.max(axis=-1, keepdims=True, initial=np.finfo(s.dtype).min), out=z)
    # (2) count[n,i] = sum[j](attn_mask[n,i,j])
    count = np.einsum("...i->...", attn_mask.astype(query.dtype))
    # (3) t1[n,i,j] = exp(s[n,i,j])
    t1 = np.exp(z, out=z)
    # (4) e[n,i,j] = attn_mask[n,i,j] * t1[n,i,j]
    e = attn_mask.astype(query.dtype)
    e *= t1
    # (5) t2[n,i] = 1 - count[n,i]
    t2 = 1 - count
    # (6) t3[n,i] = max(t2[n,i], 0)
    t3 = np.zeros(t2.shape, t2.dtype)
    t3 = np.maximum(t2, t3, out=t3)
    # (8) t4[n,i] = sum[j](e[n,i,j])
    t4 = np.einsum("...i->...", e)
    # (9) total[n,i] = t3[n,i] + t4[n,i]
    total = np.add(t3, t4, out=t3)
    # (10) p[n,i,j] = e[n,i,j] / total[n,i]
    p = np.multiply(e, (1 / total)[..., :, None], out=e)
    # (11) y[n,i,v] = sum[j](p[n,i,j] * value[n,j,v])
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
    # (13) grad_p[n,i,j] = sum[v](grad_output[n,i,v] * value[n,j,v])
    grad_p = grad_output @ value.mT
    # (28) grad_s[n,i,j] = p[n,i,j] * (grad_p[n,i,j] - sum[j'](grad_p[n,i,j'] * p[n,i,j']))
    dot_grad_p_p = np.vecdot(grad_p, p)
    grad_s = grad_p - dot_grad_p_p[..., :, None]
    grad_s *= p
    if needs[2]:
        # (34) grad_value[n,j,v] = sum[i](grad_output[n,i,v] * p[n,i,j])
        grad_value = p.mT @ grad_output
    if needs[0]:
        # (30) grad_query[n,i,c] = sum[j](grad_s[n,i,j] * key[n,j,c]) / sqrt(C)
        grad_query = grad_s @ key
        grad_query *= math.sqrt(c) * inverse_c
    if needs[1]:
        # (32) grad_key[n,j,c] = sum[i](grad_s[n,i,j] * query[n,i,c]) / sqrt(C)
        grad_key = grad_s.mT @ query
        grad_key *= math.sqrt(c) * inverse_c
    return grad_query, grad_key, grad_value, None


def jvp(saved: tuple[Array, ...], tangent_query: Array, tangent_key: Array, tangent_value: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    query, key, value, p = saved
    c = tangent_query.shape[-1]
    inverse_c = 1 / c if c else np.nan
    # (37) tangent_s[n,i,j] = (sum[c](key[n,j,c] * tangent_query[n,i,c]) + sum[c](query[n,i,c] *
    #     tangent_key[n,j,c])) / sqrt(C)
    dot_key_tangent_query = tangent_query @ key.mT
    dot_query_tangent_key = query @ tangent_key.mT
    tangent_s = dot_key_tangent_query + dot_query_tangent_key
    tangent_s *= math.sqrt(c) * inverse_c
    # (52) tangent_p[n,i,j] = p[n,i,j] * (tangent_s[n,i,j] - sum[j'](p[n,i,j'] * tangent_s[n,i,j']))
    dot_p_tangent_s = np.vecdot(p, tangent_s)
    tangent_p = tangent_s - dot_p_tangent_s[..., :, None]
    tangent_p *= p
    # (54) tangent_y[n,i,v] = sum[j](p[n,i,j] * tangent_value[n,j,v]) + sum[j](tangent_p[n,i,j] * value[n,j,v])
    dot_p_tangent_value = p @ tangent_value
    dot_tangent_p_value = tangent_p @ value
    tangent_y = dot_p_tangent_value + dot_tangent_p_value
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_query: Array, tangent_key: Array, tangent_value: Array
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    query, key, value, p = saved
    c = tangent_query.shape[-1]
    inverse_c = 1 / c if c else np.nan
    # (13) grad_p[n,i,j] = sum[v](grad_output[n,i,v] * value[n,j,v])
    grad_p = grad_output @ value.mT
    # (28) grad_s[n,i,j] = p[n,i,j] * (grad_p[n,i,j] - sum[j'](grad_p[n,i,j'] * p[n,i,j']))
    dot_grad_p_p = np.vecdot(grad_p, p)
    grad_s = grad_p - dot_grad_p_p[..., :, None]
    grad_s *= p
    # (37) tangent_s[n,i,j] = (sum[c](key[n,j,c] * tangent_query[n,i,c]) + sum[c](query[n,i,c] *
    #     tangent_key[n,j,c])) / sqrt(C)
    dot_key_tangent_query = tangent_query @ key.mT
    dot_query_tangent_key = query @ tangent_key.mT
    tangent_s = dot_key_tangent_query + dot_query_tangent_key
    tangent_s *= math.sqrt(c) * inverse_c
    # (52) tangent_p[n,i,j] = p[n,i,j] * (tangent_s[n,i,j] - sum[j'](p[n,i,j'] * tangent_s[n,i,j']))
    dot_p_tangent_s = np.vecdot(p, tangent_s)
    tangent_p = tangent_s - dot_p_tangent_s[..., :, None]
    tangent_p *= p
    # (56) tangent_grad_p[n,i,j] = sum[v](grad_output[n,i,v] * tangent_value[n,j,v])
    tangent_grad_p = grad_output @ tangent_value.mT
    # (58) tangent_grad_s[n,i,j] = grad_p[n,i,j] * tangent_p[n,i,j] + p[n,i,j] * tangent_grad_p[n,i,j] - p[n,i,j] *
    #     sum[j'](grad_p[n,i,j'] * tangent_p[n,i,j']) - tangent_p[n,i,j] * sum[j'](grad_p[n,i,j'] * p[n,i,j']) -
    #     p[n,i,j] * sum[j'](p[n,i,j'] * tangent_grad_p[n,i,j'])
    dot_grad_p_tangent_p = np.vecdot(grad_p, tangent_p)
    dot_p_tangent_grad_p = np.vecdot(p, tangent_grad_p)
    tangent_grad_s = tangent_grad_p - dot_grad_p_tangent_p[..., :, None]
    tangent_grad_s -= dot_p_tangent_grad_p[..., :, None]
    tangent_grad_s *= p
    part = grad_p - dot_grad_p_p[..., :, None]
    part *= tangent_p
    tangent_grad_s += part
    # (71) hvp_value[n,j,v] = sum[i](grad_output[n,i,v] * tangent_p[n,i,j])
    hvp_value = tangent_p.mT @ grad_output
    # (66) hvp_query[n,i,c] = (sum[j](grad_s[n,i,j] * tangent_key[n,j,c]) + sum[j](key[n,j,c] *
    #     tangent_grad_s[n,i,j])) / sqrt(C)
    dot_grad_s_tangent_key = grad_s @ tangent_key
    dot_key_tangent_grad_s = tangent_grad_s @ key
    hvp_query = dot_grad_s_tangent_key + dot_key_tangent_grad_s
    hvp_query *= math.sqrt(c) * inverse_c
    # (69) hvp_key[n,j,c] = (sum[i](grad_s[n,i,j] * tangent_query[n,i,c]) + sum[i](query[n,i,c] *
    #     tangent_grad_s[n,i,j])) / sqrt(C)
    dot_grad_s_tangent_query = grad_s.mT @ tangent_query
    dot_query_tangent_grad_s = tangent_grad_s.mT @ query
    hvp_key = dot_grad_s_tangent_query + dot_query_tangent_grad_s
    hvp_key *= math.sqrt(c) * inverse_c
    return hvp_query, hvp_key, hvp_value, None
