"""Global state of a process that code under test may change: how each is read and put back, and what to do instead.

Files are not watched: what a function writes or deletes on disk is its own affair.
"""

from __future__ import annotations

import locale
import os
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class State:
    """`read` gives a value to compare; `restore` puts one back. None means that there is no such state yet."""

    name: str
    read: Callable[[], Any]
    restore: Callable[[Any], None]
    remedy: str
    verb: Literal["changes", "draws from"] = "changes"


def _stay(state: Any) -> None:
    """Random states are left as they are: put back, a random function would answer the same twice and look sound."""


def _random() -> Any:
    return random.getstate()


def _numpy_random() -> Any:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global state is what is watched
    return kind, np.asarray(keys).tobytes(), *rest


def _streams() -> Any:
    return sys.stdout, getattr(sys.stdout, "closed", False), sys.stderr, getattr(sys.stderr, "closed", False)


def _set_streams(streams: Any) -> None:
    sys.stdout, _, sys.stderr, _ = streams  # a closed one is opened again when the job is done


def _set_environment(environment: dict[str, str]) -> None:
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)


def _path() -> Any:
    return tuple(sys.path)


def _set_path(path: Any) -> None:
    sys.path[:] = path


def _set_print_options(options: Any) -> None:
    np.set_printoptions(**options)


def _locale() -> str:
    return locale.setlocale(locale.LC_ALL)


def _set_locale(name: str) -> None:
    locale.setlocale(locale.LC_ALL, name)


_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGALRM", "SIGSEGV") if hasattr(signal, name)]


def _handlers() -> Any:
    return {number: signal.getsignal(number) for number in _SIGNALS}


def _set_handlers(handlers: Any) -> None:
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) != handler:
            signal.signal(number, handler)


def _of(module: str, read: Callable[[Any], Any]) -> Callable[[], Any]:
    """The reading of a state of a module: None where it is not loaded, or only half."""

    def found() -> Any:
        loaded = sys.modules.get(module)
        try:
            return None if loaded is None else read(loaded)
        except AttributeError:
            return None

    return found


def _into(module: str, restore: Callable[[Any, Any], Any]) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        restore(sys.modules[module], value)

    return put


DRAW = "draw from np.random.default_rng(seed), or take the random array as an argument"

# Microseconds to a tenth of a millisecond each: read around some calls, not around all.
SLOW: tuple[State, ...] = (
    State("sys.stdout or sys.stderr", _streams, _set_streams, "use `with contextlib.redirect_stdout(...)`"),
    State("environment variables", os.environ.copy, _set_environment, "take what it needs as an argument"),
    State("sys.path", _path, _set_path, "install what it imports"),
    State("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit, "use a loop"),
    State("the locale", _locale, _set_locale, "format numbers with str.format"),
    State("signal handlers", _handlers, _set_handlers, "leave them to the program"),
    State("NumPy's print options", np.get_printoptions, _set_print_options, "use `with np.printoptions(...)`"),
    State("random's state", _random, _stay, DRAW, "draws from"),
    State("NumPy's global random state", _numpy_random, _stay, DRAW, "draws from"),
    State(
        "torch's random state",
        _of("torch", lambda torch: torch.get_rng_state().numpy().tobytes()),
        _stay,
        "draw with a torch.Generator of its own, or take the random tensor as an argument",
        "draws from",
    ),
    State(
        "torch's grad mode",
        _of("torch", lambda torch: torch.is_grad_enabled()),
        _into("torch", lambda torch, value: torch.set_grad_enabled(value)),
        "use `with torch.no_grad()`",
    ),
    State(
        "torch's number of threads",
        _of("torch", lambda torch: torch.get_num_threads()),
        _into("torch", lambda torch, value: torch.set_num_threads(value)),
        "leave it to the program",
    ),
    State(
        "torch's deterministic mode",
        _of("torch", lambda torch: torch.are_deterministic_algorithms_enabled()),
        _into("torch", lambda torch, value: torch.use_deterministic_algorithms(value)),
        "leave it to the program",
    ),
    State(
        "jax_enable_x64",
        _of("jax", lambda jax: bool(jax.config.jax_enable_x64)),
        _into("jax", lambda jax, value: jax.config.update("jax_enable_x64", value)),
        "leave it to the program",
    ),
)
