"""Derivation -> readable, committed kernels: lowering to array statements, one printer for each target."""

from gradlab.codegen.kernel import numpy_source, torch_source
from gradlab.codegen.pytest_file import pytest_source

__all__ = ["numpy_source", "pytest_source", "torch_source"]
