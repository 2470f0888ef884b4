"""softmax_cross_entropy_labels (PLACEHOLDER of the generated format, will be overwritten by `gradlab derive`)."""

import torch


def forward(x, label):
    log_p = torch.log_softmax(x, -1)
    return -log_p.gather(-1, label[:, None]).mean(), (log_p.exp(), label)


def backward(grad_output, saved):
    p, label = saved
    n = p.shape[0]
    scale = grad_output / n
    return (p - torch.nn.functional.one_hot(label, p.shape[1]).to(p.dtype)) * scale, None


def reference(x, label):
    return torch.nn.functional.cross_entropy(x, label)
