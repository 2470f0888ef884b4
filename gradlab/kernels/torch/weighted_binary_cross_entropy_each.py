"""weighted_binary_cross_entropy_each: Entry by entry the cross-entropy of sigmoid(x) and t, weighted.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 8b472ead310de024. Saved for the backward: x, weight, t1, t2, t3.
The backward has 0 reductions and 10 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive weighted_binary_cross_entropy_each --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor, weight: Tensor, pos_weight: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...),(...),(...),(...)->(...), and what `backward` needs: x, weight, t1, t2, t3."""
    # (1) t1[n] = 1 - t[n]
    t1 = 1 - t
    # (2) t2[n] = pos_weight[n] - 1
    t2 = pos_weight - 1
    # (3) t3[n] = t2[n] * t[n] + 1
    t3 = t2 * t
    t3 += 1
    # (4) t4[n] = softplus(-x[n])
    argument = x * -1
    t4 = torch.nn.functional.softplus(argument, threshold=40.0)
    # (5) t5[n] = t1[n] * x[n] + t3[n] * t4[n]
    t5 = t1 * x
    t5 = torch.addcmul(t5, t3, t4)
    # (6) y[n] = t5[n] * weight[n]
    y = t5 * weight
    return y, (x, weight, t1, t2, t3)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, weight, t1, t2, t3 = saved
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    if needs[0]:
        # (18) grad_x[n] = grad_output[n] * weight[n] * (t1[n] - sigmoid(-x[n]) * t3[n])
        argument = x * -1
        part = torch.sigmoid(argument)
        part = part * t3
        grad_x = t1 - part
        grad_x = grad_x * grad_output
        grad_x = grad_x * weight
    if needs[1]:
        # (21) grad_t[n] = grad_output[n] * weight[n] * (softplus(-x[n]) * t2[n] - x[n])
        argument_2 = x * -1
        grad_t = torch.nn.functional.softplus(argument_2, threshold=40.0)
        grad_t = grad_t * t2
        grad_t -= x
        grad_t = grad_t * grad_output
        grad_t = grad_t * weight
    return grad_x, grad_t, None, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight, t1, t2, t3 = saved
    # (33) tangent_y[n] = weight[n] * (softplus(-x[n]) * t2[n] * tangent_t[n] + t1[n] * tangent_x[n] - tangent_t[n]
    #     * x[n] - sigmoid(-x[n]) * t3[n] * tangent_x[n])
    argument = x * -1
    part_2 = torch.sigmoid(argument)
    part_2 = part_2 * t3
    part_3 = t1 - part_2
    argument_2 = x * -1
    tangent_y = torch.nn.functional.softplus(argument_2, threshold=40.0)
    tangent_y = tangent_y * t2
    tangent_y -= x
    tangent_y = tangent_y * tangent_t
    part_3 = part_3 * tangent_x
    tangent_y = tangent_y + part_3
    tangent_y = tangent_y * weight
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, weight, _t1, t2, t3 = saved
    # (38) hvp_x[n] = grad_output[n] * weight[n] * (sigmoid(-x[n]) * t3[n] * tangent_x[n] - tangent_t[n] -
    #     sigmoid(-x[n]) * t2[n] * tangent_t[n] - sigmoid(-x[n])**2 * t3[n] * tangent_x[n])
    argument = x * -1
    sigmoid_argument = torch.sigmoid(argument)
    part = 1 - sigmoid_argument
    part_2 = t3 * tangent_x
    part_2 = part_2 * part
    part_2 = torch.addcmul(part_2, t2, tangent_t, value=-1)
    argument_2 = x * -1
    hvp_x = torch.sigmoid(argument_2)
    hvp_x = hvp_x * part_2
    hvp_x -= tangent_t
    hvp_x = hvp_x * grad_output
    hvp_x = hvp_x * weight
    # (41) hvp_t[n] = -grad_output[n] * tangent_x[n] * weight[n] * (sigmoid(-x[n]) * t2[n] + 1)
    argument_3 = x * -1
    hvp_t = torch.sigmoid(argument_3)
    hvp_t = hvp_t * t2
    hvp_t += 1
    hvp_t *= -1
    hvp_t = hvp_t * grad_output
    hvp_t = hvp_t * weight
    hvp_t = hvp_t * tangent_x
    return hvp_x, hvp_t, None, None


def reference(x: Tensor, t: Tensor, weight: Tensor, pos_weight: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.binary_cross_entropy_with_logits(
        x, t, weight, reduction="none", pos_weight=pos_weight
    )
    return result
