"""A zoo of wrong and of correct-but-hard backwards, to measure gradient checkers with.

Written before the checker was tuned. Half of it is held out (`half`): tuning never looks at that half.
"""

from benchmarks.zoo import hard, mutants, operations
from benchmarks.zoo.registry import HARD, MUTANTS, SUBJECTS
from benchmarks.zoo.subject import CATEGORIES, Mutant, Subject, Witness, half

__all__ = [
    "CATEGORIES",
    "HARD",
    "MUTANTS",
    "SUBJECTS",
    "Mutant",
    "Subject",
    "Witness",
    "half",
    "hard",
    "mutants",
    "operations",
]
