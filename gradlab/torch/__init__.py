"""Verification for torch users: autograd Functions, modules and any callable of tensors.

`check` and `verify` draw shapes and values themselves; `gradcheck` takes torch's own arguments. Importing this package
without torch raises MissingDependencyError, one line with the pip command.
"""

from gradlab.adapters.torch_kernels import load_torch

load_torch()

from gradlab.torch.checking import check, verify  # noqa: E402 - torch is there, or the line above said how to get it
from gradlab.torch.stricter import gradcheck  # noqa: E402

__all__ = ["check", "gradcheck", "verify"]
