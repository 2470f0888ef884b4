"""Correct backwards that are easily mistaken for wrong ones: none of them may be failed."""

from benchmarks.zoo.hard import algebra, forms, kinks, masks, scales, special, ties, views

__all__ = ["algebra", "forms", "kinks", "masks", "scales", "special", "ties", "views"]
