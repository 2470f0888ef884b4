"""selu: The self-normalising exponential linear unit: scale * elu(x, alpha) with the constants of Klambauer et al. 2017.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 5ac14305154849ea. Saved for the backward: mask, t2.
The backward has 0 reductions and 5 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive selu --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Kink, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="selu",
    summary="The self-normalising exponential linear unit: scale * elu(x, alpha) with the constants of Klambauer et al. 2017.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("mask", "t2"),
    reference="torch.nn.functional.selu(x)",
    digest="5ac14305154849ea",
    kinks=(Kink("x", where="x == 0", derivative=1.7580993408473768),),
)


def forward(x: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: mask, t2."""
    # (1) t1[n] = max(x[n], 0)
    t1 = np.zeros(x.shape, x.dtype)
    t1 = np.maximum(x, t1, out=t1)
    # (2) mask[n] = [x[n] > 0]
    mask = x > 0
    # (3) t2[n] = min(x[n], 0)
    t2 = np.minimum(x, 0)
    # (4) t3[n] = expm1(t2[n])
    t3 = np.expm1(t2)
    # (5) y[n] = 5253504936777402467096674926473 * t1[n] / 5000000000000000000000000000000 +
    #     87904967042368842997010876040615967103012290445610415488549141 * t3[n] /
    #     50000000000000000000000000000000000000000000000000000000000000
    y = t1 * 10000000000000000000000000000000
    part = t3 * 16732632423543772848170429916717
    y += part
    y *= (5253504936777402467096674926473 / 50000000000000000000000000000000000000000000000000000000000000)
    return y, (mask, t2)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    mask, t2 = saved
    # (16) grad_x[n] = 5253504936777402467096674926473 * grad_output[n] * (16732632423543772848170429916717 *
    #     exp(t2[n]) - 6732632423543772848170429916717 * mask[n]) /
    #     50000000000000000000000000000000000000000000000000000000000000
    exp_t2 = np.exp(t2)
    grad_x = grad_output * exp_t2
    grad_x *= (87904967042368842997010876040615967103012290445610415488549141 / 50000000000000000000000000000000000000000000000000000000000000)
    part = mask.astype(grad_output.dtype)
    part *= grad_output
    part *= (35369917674594818326044126775885967103012290445610415488549141 / 50000000000000000000000000000000000000000000000000000000000000)
    grad_x -= part
    return (grad_x,)


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    mask, t2 = saved
    # (28) tangent_y[n] = 5253504936777402467096674926473 * tangent_x[n] * (16732632423543772848170429916717 *
    #     exp(t2[n]) - 6732632423543772848170429916717 * mask[n]) /
    #     50000000000000000000000000000000000000000000000000000000000000
    exp_t2 = np.exp(t2)
    tangent_y = tangent_x * exp_t2
    tangent_y *= (87904967042368842997010876040615967103012290445610415488549141 / 50000000000000000000000000000000000000000000000000000000000000)
    part = mask.astype(tangent_x.dtype)
    part *= tangent_x
    part *= (35369917674594818326044126775885967103012290445610415488549141 / 50000000000000000000000000000000000000000000000000000000000000)
    tangent_y -= part
    return tangent_y
