"""Dask's workers as a `concurrent.futures.Executor`; the only importer of distributed."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from gradlab.errors import MissingDependencyError, SignatureError

MISSING = "distributed is not installed (pip install 'gradlab[dask]')"

# A scheduler answers at once, or it is not there; workers of a batch system may be on their way.
_CONNECT, _WORKERS = 10.0, 30.0

# A task whose worker dies is tried on others; beside Dask's own limit this bounds tasks that raise.
_RETRIES = 3

_START = "start one with `dask scheduler`, which prints its address"


@contextmanager
def dask_executor(address: str, *, connect: float = _CONNECT, workers: float = _WORKERS) -> Iterator[Executor]:
    """An executor on the workers of the scheduler at `address`, "tcp://HOST:PORT"; closing it leaves them running.

    Raises MissingDependencyError without Dask, and SignatureError where no scheduler answers within `connect` seconds
    or none of its workers is there within `workers` seconds.
    """
    try:
        import distributed
    except ImportError as error:
        raise MissingDependencyError(MISSING) from error
    _probe(address, connect)
    try:
        connected: Any = distributed.Client  # untyped
        client = connected(address, timeout=connect, set_as_default=False)
    except Exception as error:  # another kind of server makes Dask raise anything
        text = " ".join(str(error).split()) or type(error).__name__
        raise SignatureError(f"dask:{address}: no scheduler answers there ({text}); {_START}") from error
    try:
        try:
            client.wait_for_workers(1, timeout=workers)
        except TimeoutError as error:
            remedy = f"start one with `dask worker {address}`"
            raise SignatureError(f"dask:{address}: the scheduler has no workers; {remedy}") from error
        with _quiet():
            yield client.get_executor(pure=False, retries=_RETRIES)
    finally:
        client.close()


def _probe(address: str, seconds: float) -> None:
    """Dask itself goes on knocking where the door is shut."""
    found = re.fullmatch(r"(?:tcp|tls)://(.+):(\d+)", address)
    if found is None:
        raise SignatureError(f"dask:{address}: {address!r} is no address; write dask:tcp://HOST:PORT")
    try:
        socket.create_connection((found[1].strip("[]"), int(found[2])), seconds).close()
    except (OSError, OverflowError) as error:
        text = str(getattr(error, "strerror", "") or error)
        raise SignatureError(f"dask:{address}: no scheduler answers there ({text}); {_START}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """What tasks end with is in the rows; Dask's log would say it again in the middle of the table."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)
