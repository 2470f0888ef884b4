"""The page of a single report: what `Report.html` gives, and what a notebook shows in its place."""

from __future__ import annotations

from html import escape

from gradlab.verify.html.page import render
from gradlab.verify.record import record
from gradlab.verify.report import Report
from gradlab.verify.rows import rows_of


def page_of(report: Report) -> str:
    """The whole page."""
    rows = [row.as_dict() for row in rows_of(report, report.subject, "user")]
    return render(record(rows, profile=report.profile, seed=report.seed))


def framed(report: Report) -> str:
    """The page in a frame of its own: its styles must not reach the notebook around it."""
    style = "width: 100%; height: 40em; border: 0"
    return f'<iframe title="gradlab report" style="{style}" srcdoc="{escape(page_of(report))}"></iframe>'
