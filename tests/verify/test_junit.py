from pathlib import Path
from xml.etree import ElementTree as ET

import gradlab
from gradlab.verify.flat import FlatRow, fault, finding
from gradlab.verify.junit import write
from gradlab.verify.rows import Row, rows_of
from tests.verify import course


def flats() -> list[FlatRow]:
    """A row of each verdict; one check has two gradients and one wrong."""
    wrong = gradlab.check(
        lambda x, w: x * w,
        lambda grad_output, x, w: (grad_output * w, 2 * grad_output * x),
        "(n),(n)->(n)",
        profile="quick",
        seed=3,
    )
    right = gradlab.check(course.square, course.right, "(n)->(n)", profile="quick", seed=3)
    noted = finding("prints to standard output: '\x1b[1m<hi> & \x00'", severity="note")
    lost = Row("op", "torch", "x", (), 0, 0.0, "skipped", 0.0, {}, "torch is not installed")
    unsure = Row("op", "numpy", "x", (), 5, 0.0, "inconclusive", 0.1, {}, "x was not verified: not today")
    return [
        *map(FlatRow.of, rows_of(wrong, "product", "user")),
        *(FlatRow.of(row).noted([noted]) for row in rows_of(right, "square", "user")),
        FlatRow.of(lost),
        FlatRow.of(unsure),
        fault("gone", "user", "worker died with exit status 3 while checking gone", seconds=1.5, seed=9),
    ]


def test_junit(tmp_path: Path) -> None:
    """Well-formed whatever was printed; counts, times, the claim as message and the whole report as text."""
    path = tmp_path / "report.xml"
    write(path, flats(), profile="quick", seed=3)
    root = ET.parse(path).getroot()
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6",
        "failures": "2",
        "errors": "1",
        "skipped": "1",
    }
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["product (user)", "square (user)", "op (torch)", "op (numpy)", "gone (user)"]
    right, wrong = suites["product (user)"].findall("testcase")
    assert (right.get("classname"), right.get("name"), list(right)) == ("gradlab.user.product", "x", [])
    failure = wrong.find("failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message", "")[:12]) == ("value", "grad w[0] is")
    assert "reproduce without gradlab:" in str(failure.text)
    assert suites["square (user)"].findtext("testcase/system-out") == (
        r"note isolation: prints to standard output: '�[1m<hi> & �'"
    )
    error = suites["op (numpy)"].find("testcase/error")
    assert error is not None
    assert error.get("message") == "x was not verified: not today"
    gone = suites["gone (user)"].find("testcase")
    assert gone is not None
    assert (gone.get("name"), gone.get("time")) == ("isolation", "1.500")
    assert suites["gone (user)"].find("properties/property[@name='seed']").get("value") == "9"  # type: ignore[union-attr]


def test_no_rows(tmp_path: Path) -> None:
    """An interrupted run may have none."""
    path = tmp_path / "report.xml"
    write(path, [], profile="quick", seed=3)
    assert ET.parse(path).getroot().get("tests") == "0"
