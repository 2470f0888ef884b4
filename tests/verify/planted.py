"""Kernels with one wrong element, as the benchmark of the stated power plants them."""

from benchmarks.planted import planted

__all__ = ["planted"]
