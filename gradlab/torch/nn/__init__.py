"""torch.nn's layers with derived forwards and backwards: `from gradlab.torch import nn`.

Each is a subclass of torch.nn's layer of that name, so that constructors, parameters, initial values, state_dict and
repr are torch's own by construction; only what runs is the generated kernel. Containers and layers that are not here
are torch.nn's. Raises ShapeError and DtypeError at the door, before anything is computed.

>>> import torch
>>> network = torch.nn.Sequential(Linear(4, 3), ReLU(), Linear(3, 2))
>>> network(torch.zeros(5, 4)).shape
torch.Size([5, 2])
>>> network(torch.zeros(5, 3))
Traceback (most recent call last):
gradlab.errors.ShapeError: linear: input has 3 features, weight expects 4 (weight is (3, 4)); input is (5, 3)
"""

from gradlab.torch.nn.activations import (
    ELU,
    GELU,
    SELU,
    Dropout,
    Hardtanh,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from gradlab.torch.nn.attention import MultiheadAttention
from gradlab.torch.nn.convolution import AdaptiveAvgPool2d, AvgPool2d, Conv1d, Conv2d, MaxPool2d
from gradlab.torch.nn.linear import Embedding, Linear
from gradlab.torch.nn.losses import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from gradlab.torch.nn.norms import BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm, RMSNorm

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "GroupNorm",
    "Hardtanh",
    "HuberLoss",
    "InstanceNorm2d",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "MultiheadAttention",
    "NLLLoss",
    "RMSNorm",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softplus",
    "Tanh",
]
