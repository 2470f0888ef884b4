"""Activations: layers without arrays of their own, each one kernel with its keyword parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradlab import registry
from gradlab.nn.initialise import Seed
from gradlab.nn.layer import DType, Layer
from gradlab.nn.module import Array


class Function(Layer):
    """One kernel and the values of its parameters, given in the kernel's order or by name.

    Raises TypeError for parameters that the kernel does not have.
    """

    def __init__(self, *values: float, **named: float) -> None:
        super().__init__()
        known = [parameter.name for parameter in registry.operation(self.operation).parameters]
        given = dict(zip(known, values, strict=False)) | named
        if not given.keys() <= set(known) or len(given) < len(values) + len(named):
            raise TypeError(f"{type(self).__name__} takes {', '.join(known) or 'no parameters'}; got {given or values}")
        self.values = given

    def settings(self, dtype: DType) -> dict[str, Any]:
        return self.values


class ReLU(Function):
    """max(input, 0); the slope at 0 is 0. Equivalent to torch.nn.ReLU."""

    operation = "relu"


class LeakyReLU(Function):
    """The input, times `negative_slope` below 0. Equivalent to torch.nn.LeakyReLU."""

    operation = "leaky_relu"


class ELU(Function):
    """The input, below 0 `alpha` (exp(input) - 1). Equivalent to torch.nn.ELU."""

    operation = "elu"


class SELU(Function):
    """ELU scaled so that mean 0 and variance 1 are kept. Equivalent to torch.nn.SELU."""

    operation = "selu"


class Softplus(Function):
    """log(1 + exp(beta input)) / beta, without torch's threshold. Equivalent to torch.nn.Softplus."""

    operation = "softplus"


class Sigmoid(Function):
    """1 / (1 + exp(-input)). Equivalent to torch.nn.Sigmoid."""

    operation = "sigmoid"


class Tanh(Function):
    """The hyperbolic tangent. Equivalent to torch.nn.Tanh."""

    operation = "tanh"


class SiLU(Function):
    """The input times its sigmoid. Equivalent to torch.nn.SiLU."""

    operation = "silu"


class Hardtanh(Function):
    """The input, but not below `min_val` nor above `max_val`. Equivalent to torch.nn.Hardtanh."""

    operation = "hardtanh"


class GELU(Layer):
    """The input times the normal distribution's value there, or its tanh form. Equivalent to torch.nn.GELU."""

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ValueError(f"approximate={approximate!r}; choose 'none' or 'tanh'")
        self.approximate = approximate

    def kernel_name(self, *inputs: Array) -> str:
        return "gelu" if self.approximate == "none" else "gelu_tanh"


class Dropout(Layer):
    """Zeros in place of a share `p` of the input, the rest divided by 1 - p. Equivalent to torch.nn.Dropout.

    What is dropped comes from a seeded generator, a fresh draw at each forward; evaluation changes nothing.

    >>> Dropout(0.5, seed=1)(np.ones(6)).tolist()
    [2.0, 2.0, 0.0, 2.0, 0.0, 0.0]
    """

    operation = "dropout"

    def __init__(self, p: float = 0.5, *, seed: Seed = None) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"p={p!r}; a probability lies between 0 and 1")
        self.p, self.generator = p, np.random.default_rng(seed)

    def forward(self, *inputs: Any) -> Any:
        """The input with some of its entries dropped."""
        (x,) = map(np.asarray, inputs)
        share = self.p if self.training else 0.0
        keep = self.generator.random(x.shape) >= share if share else np.ones(x.shape, bool)
        # Where nothing is kept, nothing is there to scale up either.
        self.share = share if share < 1 else 0.0
        return super().forward(x, keep)

    def settings(self, dtype: DType) -> dict[str, Any]:
        return {"p": self.share}


class Softmax(Layer):
    """Positive entries that sum to 1 along the axis `dim`. Equivalent to torch.nn.Softmax."""

    operation = "softmax"

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def settings(self, dtype: DType) -> dict[str, Any]:
        return {"axis": self.dim}


class LogSoftmax(Softmax):
    """The logarithm of softmax, along the axis `dim`. Equivalent to torch.nn.LogSoftmax."""

    operation = "log_softmax"
