"""std: The standard deviation along one or several axes; its slope at equal entries is 0, as in torch.

Generated from derivations/variance.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 750f5389109ff364. Saved for the backward: xc, variance, count.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive std --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels import special
from gradlab.kernels.axes import drop_axes, from_last, keep_axes, to_last
from gradlab.operation import Along, Argument, Kink, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="std",
    summary="The standard deviation along one or several axes; its slope at equal entries is 0, as in torch.",
    signature=Signature.parse("(...,d)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("xc", "variance"),
    reference="torch.std(x, dim=axis, correction=correction)",
    digest="750f5389109ff364",
    parameters=(Parameter("correction", 1, 0, 1, integer=True),),
    kinks=(Kink("x", where="std == 0", derivative=0.0),),
    along=Along("d", several=True),
    output="y",
    curved=("x",),
)


def forward(
    x: Array, *, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False, correction: int = 1
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`.

    What `backward` needs: xc, variance, count, axis, shape, keepdims.
    """
    shape = x.shape
    x = to_last(x, axis)
    d = x.shape[-1]
    inverse_d = 1 / d if d else np.nan
    # (1) mu[n] = sum[d](x[n,d]) / D
    sum_x = np.einsum("...i->...", x)
    mu = sum_x * inverse_d
    # (2) xc[n,d] = x[n,d] - mu[n]
    xc = x - mu[..., None]
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = np.einsum("...i->...", xc)
    xc -= (drift_xc * inverse_d)[..., None]
    # (3) t1 = D - correction
    t1 = d - correction
    # (4) count = max(t1, 0)
    count = max(t1, 0)
    # (6) variance[n] = sum[d](xc[n,d]**2) / count
    reciprocal_count = 1 / count if count else np.nan
    dot_xc = np.vecdot(xc, xc)
    variance = dot_xc * reciprocal_count
    # (7) y[n] = sqrt(variance[n])
    y = np.sqrt(variance)
    return keep_axes(y, axis, shape, keepdims), (xc, variance, count, axis, shape, keepdims)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    xc, variance, count, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    # (18) grad_x[n,d] = grad_output[n] * safe_rsqrt(variance[n]) * xc[n,d] / count
    safe_rsqrt_variance = special.safe_rsqrt(variance)
    reciprocal_count = 1 / count if count else np.nan
    grad_x = xc * (reciprocal_count * grad_output * safe_rsqrt_variance)[..., None]
    return (from_last(grad_x, axis, shape),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    xc, variance, count, axis, shape, keepdims = saved
    tangent_x = to_last(tangent_x, axis)
    # (27) tangent_y[n] = safe_rsqrt(variance[n]) * sum[d](tangent_x[n,d] * xc[n,d]) / count
    tangent_y = special.safe_rsqrt(variance)
    reciprocal_count = 1 / count if count else np.nan
    dot_tangent_x_xc = np.vecdot(tangent_x, xc)
    tangent_y *= dot_tangent_x_xc
    tangent_y *= reciprocal_count
    return keep_axes(tangent_y, axis, shape, keepdims)


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    xc, variance, count, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    tangent_x = to_last(tangent_x, axis)
    d = tangent_x.shape[-1]
    inverse_d = 1 / d if d else np.nan
    # (31) hvp_x[n,d] = grad_output[n] * safe_rsqrt(variance[n]) / (D * count) * (D * tangent_x[n,d] -
    #     sum[d'](tangent_x[n,d']) - D * safe_rsqrt(variance[n])**2 * xc[n,d] * sum[d'](tangent_x[n,d'] * xc[n,d'])
    #     / count)
    safe_rsqrt_variance = special.safe_rsqrt(variance)
    reciprocal_count = 1 / count if count else np.nan
    dot_tangent_x_xc = np.vecdot(tangent_x, xc)
    sum_tangent_x = np.einsum("...i->...", tangent_x)
    hvp_x = xc * (-reciprocal_count * safe_rsqrt_variance * safe_rsqrt_variance * dot_tangent_x_xc)[..., None]
    hvp_x += tangent_x
    hvp_x -= (sum_tangent_x * inverse_d)[..., None]
    hvp_x *= (reciprocal_count * grad_output * safe_rsqrt_variance)[..., None]
    return (from_last(hvp_x, axis, shape),)
