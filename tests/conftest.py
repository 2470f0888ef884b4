"""One Hypothesis profile and one printed seed for the whole suite."""

import os
import secrets
import sys

import pytest
from hypothesis import settings

from tests.sharing import WHOLE, is_mine

# Times vary too much between machines for a deadline to mean anything; a blob reproduces a failure anywhere.
settings.register_profile("gradlab", deadline=None, print_blob=True)
settings.load_profile("gradlab")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed before Hypothesis does, so that it can be printed; workers find it in the environment."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = os.environ.setdefault("GRADLAB_TEST_SEED", str(secrets.randbits(32)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to other Pythons what is theirs."""
    dealt: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        call = getattr(item, "callspec", None)
        dealt[is_mine(item.nodeid, call.params if call else {})].append(item)
    config.hook.pytest_deselected(items=dealt[False])
    items[:] = dealt[True]


def pytest_report_header(config: pytest.Config) -> str:
    """Say how to draw the same examples again, and what is left to other Pythons."""
    part = "" if WHOLE else "; one of three parts of the tests (GRADLAB_TESTS)"
    return f"seed: --hypothesis-seed={config.option.hypothesis_seed}{part}"


def pytest_runtest_setup() -> None:
    """Let torch's own warnings come every time: else they come once per process, and the order of tests matters."""
    if torch := sys.modules.get("torch"):
        torch.set_warn_always(True)
