"""Derivatives that a textbook has, and how gradlab, SymPy and tensorgrad are asked for them."""
