"""Verification for jax users: `jax.custom_vjp` functions and any other callable of arrays that jax differentiates.

Importing this package without jax raises MissingDependencyError, one line with the pip command.
"""

from gradlab.errors import MissingDependencyError

try:
    import jax as _jax  # noqa: F401 - to say so in one line where it is missing
except ImportError as error:
    raise MissingDependencyError("jax is not installed (pip install 'gradlab[jax]')") from error

from gradlab.jax.checking import check, verify

__all__ = ["check", "verify"]
