"""The driver of registered operations: rows, seeds, and what happens without torch."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from gradlab import registry
from gradlab.errors import UnknownOperationError
from gradlab.verify import registered
from gradlab.verify.check import run
from gradlab.verify.plan import QUICK
from gradlab.verify.registered import legal_values, report_operation, verify_operations
from gradlab.verify.report import Report
from gradlab.verify.rows import Row, table
from tests.verify.planted import planted

ROOT = Path(__file__).parent.parent.parent


def test_one_row_per_argument() -> None:
    """Rows name operation, backend and argument, and hold what the table shows."""
    seen: list[Row] = []
    rows = list(verify_operations(["linear"], backends=["numpy"], profile="quick", seed=3, on_row=seen.append))
    assert [row.argument for row in rows] == ["x", "weight", "bias"]
    assert seen == rows
    assert {row.verdict for row in rows} == {"pass"}
    assert all(row.examples == len(QUICK) and row.worst < 1 for row in rows)


def test_rows_stream() -> None:
    """The first row comes before the second operation is touched, so that Ctrl-C keeps what is done."""
    rows = verify_operations(["relu", "softmax"], backends=["numpy"], profile="quick", seed=3)
    assert next(rows).operation == "relu"
    rows.close()


def test_unknown_operation_before_any_work() -> None:
    """A misspelt name among many costs no time."""
    with pytest.raises(UnknownOperationError, match="did you mean 'softmax'"):
        verify_operations(["relu", "softmx"])


def test_a_check_repeats_from_its_seed() -> None:
    """The seed that a row's report shows gives the same numbers alone as among others."""
    row = next(verify_operations(["softmax"], backends=["numpy"], profile="quick", seed=5))
    assert row.report is not None
    again = report_operation("softmax", "numpy", profile="quick", seed=row.report.seed)
    assert again.tally.worst_of("x") == row.worst


def test_table_shows_every_row() -> None:
    """The table holds the columns that readers look for."""
    rows = list(verify_operations(["relu"], backends=["numpy"], profile="quick", seed=3))
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(table(rows))
    text = console.export_text()
    for word in ("operation", "oracle", "examples", "worst error", "verdict", "seconds", "relu", "pass"):
        assert word in text
    json.dumps([row.as_dict() for row in rows], allow_nan=False)


def test_a_failing_kernel_fails_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row of the wrong argument fails, the others keep their own verdict."""

    def broken(name: str, backend: registry.Backend, *, profile: str, seed: int, exact: None) -> Report:
        operation = registry.operation(name)
        subject = planted(registered.subject_of(name, backend, registry.kernel(name, backend)), 1, 0, {"float64": 1e-3})
        return run(subject, registered.specification_of(operation), profile=profile, seed=seed, shrinking=False)

    monkeypatch.setattr(registered, "report_operation", broken)
    rows = registered.operation_rows("linear", "numpy", profile="quick", seed=1)
    assert [(row.argument, row.verdict) for row in rows] == [("x", "pass"), ("weight", "fail"), ("bias", "pass")]
    assert rows[1].worst > 1


def test_legal_values_span_the_range() -> None:
    """Default, ends and geometric middle of batch norm's eps."""
    (eps,) = registry.operation("batch_norm").parameters
    values = legal_values(eps)
    assert values[0] == eps.default
    assert {eps.minimum, eps.maximum} <= set(values)


def test_without_torch() -> None:
    """torch rows are skipped and say how to install it; NumPy rows are verified by differences, and say so."""
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from gradlab.verify.registered import verify_operations\n"
        "for row in verify_operations(['softmax'], profile='quick', seed=1):\n"
        "    print(row.backend, row.verdict, row.reason, sep='|')\n"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == [
        "numpy|pass|torch autograd skipped: torch is not installed (pip install 'gradlab[torch]')",
        "torch|skipped|torch is not installed (pip install 'gradlab[torch]')",
    ]
