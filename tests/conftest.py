"""One Hypothesis profile and one printed seed for the whole suite."""

import os
import secrets
import sys

import pytest
from hypothesis import settings

from tests.sharing import is_shared

# Times vary too much between machines for a deadline to mean anything; a blob reproduces a failure anywhere.
settings.register_profile("gradlab", deadline=None, print_blob=True)
settings.load_profile("gradlab")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed before Hypothesis does, so that it can be printed; workers find it in the environment."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = os.environ.setdefault("GRADLAB_TEST_SEED", str(secrets.randbits(32)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave slow tests to the run that they belong to."""
    mine: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        mine[item.get_closest_marker("slow") is None or is_shared(item.nodeid)].append(item)
    config.hook.pytest_deselected(items=mine[False])
    items[:] = mine[True]


def pytest_report_header(config: pytest.Config) -> str:
    """Say how to draw the same examples again."""
    return f"seed: --hypothesis-seed={config.option.hypothesis_seed}"


def pytest_runtest_setup() -> None:
    """Let torch's own warnings come every time: else they come once per process, and the order of tests matters."""
    if torch := sys.modules.get("torch"):
        torch.set_warn_always(True)
