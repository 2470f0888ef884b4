"""Diagnosis: what kind of mistake a failure is, with its evidence and the remedy."""
