"""pytest plugin: a fixture and a marker named `gradlab`, and a summary of every gradient that was checked.

Loaded in every pytest run of an environment that has gradlab, so nothing heavy is imported before a test asks for it.
PYTEST_DONT_REWRITE: there are no asserts here.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from gradlab.verify.fixture import Gradlab
from gradlab.verify.options import HTML, OPTIONS, add_options


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--gradlab-profile`, `--gradlab-seed` and `--gradlab-html`, as of `gradlab verify`."""
    group = parser.getgroup("gradlab", "gradient verification")
    add_options(group.addoption, "--gradlab-")
    group.addoption("--gradlab-html", **HTML)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, as `--strict-markers` wants it, and collect rows where a page is asked for."""
    config.addinivalue_line("markers", "gradlab(**options): checks gradients; options of gradlab.check for this test")
    if config.getoption("gradlab_html"):
        path = config.invocation_params.dir / config.getoption("gradlab_html")
        options = [config.getoption(f"gradlab_{name}") for name, _ in OPTIONS]
        collector = import_module("gradlab.verify.collected").Collector(path, *options)
        config.pluginmanager.register(collector, "gradlab-html")


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that use the fixture are marked, so that `-m gradlab` selects them."""
    for item in items:
        if "gradlab" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("gradlab"):
            item.add_marker(pytest.mark.gradlab)


@pytest.fixture
def gradlab(request: pytest.FixtureRequest) -> Gradlab:
    """`gradlab.verify(forward, backward, "(n)->(n)")` and everything else of gradlab, recorded for the summary."""
    return Gradlab(request)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for each check: test, function, verdict or law, argument, relative error it catches, seconds."""
    rows = [("test", "function", "verdict", "argument", "catches", "seconds"), *_rows(terminalreporter)]
    if len(rows) > 1:
        terminalreporter.section("gradlab")
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        for row in rows:
            terminalreporter.line(
                "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            )


def _rows(terminalreporter: Any) -> Iterator[tuple[str, ...]]:
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    for report in reports:
        if getattr(report, "when", "") == "call":
            rows = (value for name, value in report.user_properties if name == "gradlab")
            yield from ((report.nodeid, *value.split("\t")) for value in rows)
