"""Which tests a run takes: all of them, or its part where they are dealt out over three Pythons.

Where GRADLAB_TESTS is "third", as tox sets it, each of three Pythons in a row takes another third of the tests, so that
3.11, 3.12 and 3.13 together run all. Tests of one operation stay together: it is derived once for all of them. What
looks into Python itself is tested on each.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Mapping
from typing import Any

from gradlab import registry

WHOLE = os.environ.get("GRADLAB_TESTS") != "third"
EVERYWHERE = (
    "tests/mutate/",  # Python's syntax trees
    "tests/symbolic/trace/",  # its calling conventions
    "tests/test_import.py",
    "tests/test_packaging.py",
    "tests/verify/test_isolation.py",  # its processes, threads and signals
)

_OPERATIONS = frozenset(registry.names())


def is_mine(test: str, parameters: Mapping[str, Any]) -> bool:
    """Whether this run takes a test of this id, with these parameters."""
    if WHOLE or test.startswith(EVERYWHERE):
        return True
    named = (value for value in parameters.values() if isinstance(value, str) and value in _OPERATIONS)
    return zlib.crc32(next(named, test).encode()) % 3 == sys.version_info.minor % 3
