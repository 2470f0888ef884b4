"""Functions that the tests of the jax door check: right custom_vjp functions, and ones with a planted fault."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def _square(bwd: Any) -> Any:
    @jax.custom_vjp
    def square(x: jax.Array) -> jax.Array:
        return x * x

    square.defvjp(lambda x: (x * x, x), bwd)
    return square


def _traced(array: Any) -> bool:
    return isinstance(array, jax.core.Tracer)


@jax.custom_vjp
def square(x: jax.Array) -> jax.Array:
    """x * x, right."""
    return x * x


square.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))


@jax.custom_vjp
def linear(x: jax.Array, weight: jax.Array) -> jax.Array:
    """x @ weight.T, right."""
    return x @ weight.T


linear.defvjp(lambda x, weight: (x @ weight.T, (x, weight)), lambda saved, g: (g @ saved[1], g.T @ saved[0]))


@jax.custom_vjp
def gather(x: jax.Array, k: jax.Array) -> jax.Array:
    """One entry of each row; the indices have no gradient."""
    return jnp.take_along_axis(x, k[:, None], axis=1)[:, 0]


gather.defvjp(
    lambda x, k: (gather(x, k), (x, k)),
    lambda saved, g: (jnp.zeros_like(saved[0]).at[jnp.arange(len(saved[1])), saved[1]].add(g), None),
)

wrong_factor = _square(lambda x, g: (x * g,))
absolute_upstream = _square(lambda x, g: (2 * x * abs(g),))
one_gradient_too_many = _square(lambda x, g: (2 * x * g, g))
no_tuple = _square(lambda x, g: 2 * x * g)
wrong_shape = _square(lambda x, g: ((2 * x * g).sum(),))
downcast = _square(lambda x, g: ((2 * x * g).astype(jnp.float32),))
none_for_a_gradient = _square(lambda x, g: (None,))
only_under_jit = _square(lambda x, g: ((2 + _traced(g)) * x * g,))
not_traceable_backward = _square(lambda x, g: (2 * x * g if g.sum() < 1e300 else g,))
wrong_in_batches = _square(lambda x, g: (2 * x * g * (1 if "BatchTracer" not in type(g).__name__ else 3),))


@jax.custom_vjp
def detached_second(x: jax.Array) -> jax.Array:
    """Right at first order; the second misses the term of x."""
    return x * x


detached_second.defvjp(lambda x: (x * x, x), lambda x, g: (2 * jax.lax.stop_gradient(x) * g,))


def branches(x: jax.Array) -> jax.Array:
    """Asks for a value, so that jax.jit cannot trace it."""
    return 3 * x if jnp.sum(x) < 1e300 else x


def scale(x: jax.Array, *, factor: float = 2.0) -> jax.Array:
    """With a parameter."""
    return factor * jnp.tanh(x)
