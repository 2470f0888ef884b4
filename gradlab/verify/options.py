"""Options that the command line and the pytest plugin share. Imports nothing, so that both can read it early."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("profile", {"choices": ("quick", "default", "thorough"), "default": "default", "help": "how much to run"}),
    ("seed", {"type": int, "default": None, "help": "repeat a run; by default it is drawn and shown"}),
)

HTML: dict[str, Any] = {"metavar": "PATH", "help": "write a report as one HTML page, to be read offline"}
"""`--html` of the command line and `--gradlab-html` of pytest."""


def add_options(add: Callable[..., Any], prefix: str = "--", **more: Any) -> None:
    """Declare the options with argparse's or pytest's function; `prefix` is "--" or "--gradlab-"."""
    for name, how in OPTIONS:
        add(f"{prefix}{name}", **how, **more)
