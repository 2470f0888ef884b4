"""scaled_dot_product_attention: softmax(query @ key.T / sqrt(c)) @ value.

Generated from derivations/attention.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 6543a551fa0441d2. Saved for the backward: query, key, value, p.
The backward has 5 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive scaled_dot_product_attention --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...,q,c),(...,k,c),(...,k,v)->(...,q,v), and what `backward` needs: query, key, value, p."""
    c = query.shape[-1]
    inverse_c = 1 / c if c else math.nan
    # (1) s[n,i,j] = sum[c](key[n,j,c] * query[n,i,c]) / sqrt(C)
    s = query @ key.mT
    s = s * (math.sqrt(c) * inverse_c)
    # exp cannot overflow: z is s less its maximum, and no result depends on the shift
    z = s - (s.amax(dim=-1, keepdim=True) if s.shape[-1] else 0)
    # (2) e[n,i,j] = exp(s[n,i,j])
    e = torch.exp(z)
    # (3) total[n,i] = sum[j](e[n,i,j])
    total = e.sum(dim=-1)
    # (4) p[n,i,j] = e[n,i,j] / total[n,i]
    p = e.mul_((1 / total)[..., :, None])
    # (5) y[n,i,v] = sum[j](p[n,i,j] * value[n,j,v])
    y = p @ value
    return y, (query, key, value, p)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    query, key, value, p = saved
    c = query.shape[-1]
    inverse_c = 1 / c if c else math.nan
    grad_query: Tensor | None = None
    grad_key: Tensor | None = None
    grad_value: Tensor | None = None
    # (9) grad_p[n,i,j] = sum[v](grad_output[n,i,v] * value[n,j,v])
    grad_p = grad_output @ value.mT
    # (19) grad_s[n,i,j] = p[n,i,j] * (grad_p[n,i,j] - sum[j'](grad_p[n,i,j'] * p[n,i,j']))
    dot_grad_p_p = (grad_p * p).sum(dim=-1)
    grad_s = grad_p - dot_grad_p_p[..., :, None]
    grad_s *= p
    if needs[2]:
        # (25) grad_value[n,j,v] = sum[i](grad_output[n,i,v] * p[n,i,j])
        grad_value = p.mT @ grad_output
    if needs[0]:
        # (21) grad_query[n,i,c] = sum[j](grad_s[n,i,j] * key[n,j,c]) / sqrt(C)
        grad_query = grad_s @ key
        grad_query = grad_query * (math.sqrt(c) * inverse_c)
    if needs[1]:
        # (23) grad_key[n,j,c] = sum[i](grad_s[n,i,j] * query[n,i,c]) / sqrt(C)
        grad_key = grad_s.mT @ query
        grad_key = grad_key * (math.sqrt(c) * inverse_c)
    return grad_query, grad_key, grad_value


def jvp(saved: tuple[Tensor, ...], tangent_query: Tensor, tangent_key: Tensor, tangent_value: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    query, key, value, p = saved
    c = tangent_query.shape[-1]
    inverse_c = 1 / c if c else math.nan
    # (28) tangent_s[n,i,j] = (sum[c](key[n,j,c] * tangent_query[n,i,c]) + sum[c](query[n,i,c] *
    #     tangent_key[n,j,c])) / sqrt(C)
    dot_key_tangent_query = tangent_query @ key.mT
    dot_query_tangent_key = query @ tangent_key.mT
    tangent_s = dot_key_tangent_query + dot_query_tangent_key
    tangent_s *= math.sqrt(c) * inverse_c
    # (38) tangent_p[n,i,j] = p[n,i,j] * (tangent_s[n,i,j] - sum[j'](p[n,i,j'] * tangent_s[n,i,j']))
    dot_p_tangent_s = (p * tangent_s).sum(dim=-1)
    tangent_p = tangent_s - dot_p_tangent_s[..., :, None]
    tangent_p *= p
    # (40) tangent_y[n,i,v] = sum[j](p[n,i,j] * tangent_value[n,j,v]) + sum[j](tangent_p[n,i,j] * value[n,j,v])
    dot_p_tangent_value = p @ tangent_value
    dot_tangent_p_value = tangent_p @ value
    tangent_y = dot_p_tangent_value + dot_tangent_p_value
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_query: Tensor, tangent_key: Tensor, tangent_value: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    query, key, value, p = saved
    c = tangent_query.shape[-1]
    inverse_c = 1 / c if c else math.nan
    # (9) grad_p[n,i,j] = sum[v](grad_output[n,i,v] * value[n,j,v])
    grad_p = grad_output @ value.mT
    # (19) grad_s[n,i,j] = p[n,i,j] * (grad_p[n,i,j] - sum[j'](grad_p[n,i,j'] * p[n,i,j']))
    dot_grad_p_p = (grad_p * p).sum(dim=-1)
    grad_s = grad_p - dot_grad_p_p[..., :, None]
    grad_s *= p
    # (28) tangent_s[n,i,j] = (sum[c](key[n,j,c] * tangent_query[n,i,c]) + sum[c](query[n,i,c] *
    #     tangent_key[n,j,c])) / sqrt(C)
    dot_key_tangent_query = tangent_query @ key.mT
    dot_query_tangent_key = query @ tangent_key.mT
    tangent_s = dot_key_tangent_query + dot_query_tangent_key
    tangent_s *= math.sqrt(c) * inverse_c
    # (38) tangent_p[n,i,j] = p[n,i,j] * (tangent_s[n,i,j] - sum[j'](p[n,i,j'] * tangent_s[n,i,j']))
    dot_p_tangent_s = (p * tangent_s).sum(dim=-1)
    tangent_p = tangent_s - dot_p_tangent_s[..., :, None]
    tangent_p *= p
    # (42) tangent_grad_p[n,i,j] = sum[v](grad_output[n,i,v] * tangent_value[n,j,v])
    tangent_grad_p = grad_output @ tangent_value.mT
    # (44) tangent_grad_s[n,i,j] = grad_p[n,i,j] * tangent_p[n,i,j] + p[n,i,j] * tangent_grad_p[n,i,j] - p[n,i,j] *
    #     sum[j'](grad_p[n,i,j'] * tangent_p[n,i,j']) - tangent_p[n,i,j] * sum[j'](grad_p[n,i,j'] * p[n,i,j']) -
    #     p[n,i,j] * sum[j'](p[n,i,j'] * tangent_grad_p[n,i,j'])
    dot_grad_p_tangent_p = (grad_p * tangent_p).sum(dim=-1)
    dot_p_tangent_grad_p = (p * tangent_grad_p).sum(dim=-1)
    tangent_grad_s = tangent_grad_p - dot_grad_p_tangent_p[..., :, None]
    tangent_grad_s -= dot_p_tangent_grad_p[..., :, None]
    tangent_grad_s *= p
    part = grad_p - dot_grad_p_p[..., :, None]
    part = part * tangent_p
    tangent_grad_s += part
    # (57) hvp_value[n,j,v] = sum[i](grad_output[n,i,v] * tangent_p[n,i,j])
    hvp_value = tangent_p.mT @ grad_output
    # (52) hvp_query[n,i,c] = (sum[j](grad_s[n,i,j] * tangent_key[n,j,c]) + sum[j](key[n,j,c] *
    #     tangent_grad_s[n,i,j])) / sqrt(C)
    dot_grad_s_tangent_key = grad_s @ tangent_key
    dot_key_tangent_grad_s = tangent_grad_s @ key
    hvp_query = dot_grad_s_tangent_key + dot_key_tangent_grad_s
    hvp_query *= math.sqrt(c) * inverse_c
    # (55) hvp_key[n,j,c] = (sum[i](grad_s[n,i,j] * tangent_query[n,i,c]) + sum[i](query[n,i,c] *
    #     tangent_grad_s[n,i,j])) / sqrt(C)
    dot_grad_s_tangent_query = grad_s.mT @ tangent_query
    dot_query_tangent_grad_s = tangent_grad_s.mT @ query
    hvp_key = dot_grad_s_tangent_query + dot_query_tangent_grad_s
    hvp_key *= math.sqrt(c) * inverse_c
    return hvp_query, hvp_key, hvp_value


def reference(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    return result
