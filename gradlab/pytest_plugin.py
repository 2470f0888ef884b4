"""pytest plugin: a fixture and a marker named `gradlab`, and a summary of every gradient that was checked.

Loaded in every pytest run of an environment that has gradlab, so nothing heavy is imported before a test asks for it.
PYTEST_DONT_REWRITE: there are no asserts here.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from gradlab.verify.options import OPTIONS, add_options


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--gradlab-profile` and `--gradlab-seed`, as of `gradlab verify`."""
    add_options(parser.getgroup("gradlab", "gradient verification").addoption, "--gradlab-")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, as `--strict-markers` wants it."""
    config.addinivalue_line("markers", "gradlab(**options): checks gradients; options of gradlab.check for this test")


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that use the fixture are marked, so that `-m gradlab` selects them."""
    for item in items:
        if "gradlab" in getattr(item, "fixturenames", ()) and not item.get_closest_marker("gradlab"):
            item.add_marker(pytest.mark.gradlab)


class Gradlab:
    """The module `gradlab`, whose `check` and `verify` take profile and seed from the command line or the marker.

    Whatever they find is a row of the summary at the end of the run.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._node = request.node
        self._options = {name: request.config.getoption(f"gradlab_{name}") for name, _ in OPTIONS}
        for marker in reversed(list(self._node.iter_markers("gradlab"))):  # the nearest comes last and wins
            self._options.update(marker.kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("gradlab"), name)

    def check(self, *args: Any, **options: Any) -> Any:
        """`gradlab.check`, recorded."""
        report = import_module("gradlab").check(*args, **{**self._options, **options})
        # Plain strings: they travel between the processes of pytest-xdist, and into pytest's own JUnit file.
        first = next(iter(report.failures), None)
        power = [value for dtypes in report.power.values() for dtype, value in dtypes.items() if dtype == "float64"]
        row = (
            report.subject,
            report.verdict if first is None else f"fail: {first.law}",
            ", ".join(report.arguments) if first is None else first.argument,
            f"{max(power):.0e}" if power else "",
            f"{report.seconds:.2f}",
        )
        self._node.user_properties.append(("gradlab", "\t".join(row)))
        return report

    def verify(self, *args: Any, **options: Any) -> Any:
        """`gradlab.verify`, recorded."""
        __tracebackhide__ = True  # the test's own line is what the reader wants to see
        report = self.check(*args, **options)
        if report.verdict != "pass":
            raise self.GradientError(str(report))
        return report


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
