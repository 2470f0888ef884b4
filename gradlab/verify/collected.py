"""`pytest --gradlab-html PATH`: rows of the tests' checks, from every process of pytest-xdist, as one page."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from gradlab.verify.html import page
from gradlab.verify.record import record
from gradlab.verify.report import Report
from gradlab.verify.rows import rows_of

_ROWS = pytest.StashKey[list[dict[str, Any]]]()


class Collector:
    """A pytest plugin. Rows travel on the test reports, which outlive a worker that crashes later."""

    def __init__(self, path: Path, profile: str, seed: int | None) -> None:
        self.path, self.profile, self.seed = path, profile, seed
        self.rows: list[dict[str, Any]] = []

    def add(self, node: pytest.Item, report: Report) -> None:
        """Keep the rows of a report until its test is over."""
        rows = [{**row.as_dict(), "test": node.nodeid} for row in rows_of(report, report.subject, "pytest")]
        node.stash.setdefault(_ROWS, []).extend(rows)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the rows on the report, as text: attributes of a report travel between processes."""
        report = yield
        if call.when == "call" and _ROWS in item.stash:
            report.gradlab = json.dumps(item.stash[_ROWS])  # type: ignore[attr-defined] # a report takes any attribute
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take them off again, in the main process."""
        self.rows.extend(json.loads(getattr(report, "gradlab", "[]")))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page, tests in order of their names: side by side they end in any order."""
        if not hasattr(session.config, "workerinput"):
            self.rows.sort(key=lambda row: str(row["test"]))
            self.path.parent.mkdir(parents=True, exist_ok=True)
            page.write(self.path, record(self.rows, profile=self.profile, seed=self.seed))

    @pytest.hookimpl(trylast=True)  # below the table
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Say where it is."""
        terminalreporter.write_sep("-", f"gradlab report: {self.path}")
