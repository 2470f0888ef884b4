"""Layers, losses and optimisers for NumPy, built on the verified kernels.

Constructors, shapes and state_dict are those of torch.nn; what a layer computes and how its backward runs is what
`gradlab derive` proved and generated.
"""

from gradlab.nn.activations import ReLU, Softmax
from gradlab.nn.linear import Flatten, Linear
from gradlab.nn.losses import CrossEntropyLoss
from gradlab.nn.module import Module, Parameter, Sequential
from gradlab.nn.norms import BatchNorm1d, BatchNorm2d
from gradlab.nn.optim import SGD, Adadelta, Adam, AdamW

__all__ = [
    "SGD",
    "Adadelta",
    "Adam",
    "AdamW",
    "BatchNorm1d",
    "BatchNorm2d",
    "CrossEntropyLoss",
    "Flatten",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Softmax",
]
