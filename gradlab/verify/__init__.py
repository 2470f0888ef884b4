"""Property-based verification of any backward pass: `gradlab.verify(forward, backward, signature, ...)`.

The package can be called, so that `gradlab.verify` is both the function and the place of its parts; see
`gradlab.verify.check.verify` for the arguments.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _CallablePackage(ModuleType):
    def __call__(self, *args: Any, **options: Any) -> Any:
        from gradlab.verify.check import verify

        return verify(*args, **options)


sys.modules[__name__].__class__ = _CallablePackage
