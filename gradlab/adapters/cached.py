"""A pair that shares a cache: `forward(*inputs) -> (output, cache)`, `backward(grad_output, cache)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradlab.adapters.subject import Inputs, Parameters, Subject, arrays_within, import_line


def from_cached(forward: Callable[..., Any], backward: Callable[..., Any], *, name: str | None = None) -> Subject:
    """A cache-style pair as a subject: `forward(*inputs, **params) -> (output, cache)`, `backward(grad_output, cache)`.

    Keyword parameters go to forward only. The result unpacks into `check` and `verify`; arrays in the cache are watched
    for changes.

    >>> import gradlab
    >>> pair = gradlab.from_cached(lambda x: (3 * x, None), lambda grad_output, cache: (3 * grad_output,))
    >>> gradlab.check(*pair, "(n)->(n)", names=("x",), profile="quick", seed=1).verdict
    'pass'
    """

    def run_forward(inputs: Inputs, params: Parameters) -> tuple[Any, Any]:
        output, cache = forward(*inputs, **params)
        return output, cache

    def run_backward(grad_output: Any, inputs: Inputs, saved: Any, params: Parameters) -> Any:
        return backward(grad_output, saved)

    source = "\n".join(
        (
            import_line(forward, "cached_forward"),
            import_line(backward, "cached_backward"),
            "def forward(*inputs, **params): return cached_forward(*inputs, **params)[0]",
            "def backward(g, *inputs, **params): return cached_backward(g, cached_forward(*inputs, **params)[1])",
        )
    )
    label = name or str(getattr(forward, "__qualname__", type(forward).__name__))
    return Subject(label, run_forward, run_backward, arrays_within, source=source)
