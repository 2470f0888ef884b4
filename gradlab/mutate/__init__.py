"""Mutation testing of gradients: small mistakes planted in a backward, and how many of them a test notices.

Mutants are made from the source of a NumPy function by its syntax tree (`generate`, `operators/`), run under a test
(`command` for a command of the user's, `judge` for gradlab's own check), and those that survive are compared with the
original (`normal_form`, `difference`): one that computes the same is no fault of the test.

The mutants of an operation come from its generated kernel, `gradlab/kernels/numpy/NAME.py`, rather than from
`gradlab.symbolic.mutants`: the proof rejects those at every `gradlab derive`, no test of a kernel ever meets them, and
what a test does run is the kernel. So this room needs neither SymPy nor the derive half.
"""
