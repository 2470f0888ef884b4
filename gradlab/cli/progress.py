"""A bar of progress on standard error, in a terminal only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def shown(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """The items, each as it comes; the bar is gone when they are done.

    >>> list(shown("ab", 2, "letters"))
    ['a', 'b']
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal or not total:
        yield from items
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(label, total=total)
        for item in items:
            progress.advance(task)
            yield item
