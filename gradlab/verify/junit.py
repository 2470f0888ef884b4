"""Rows as JUnit XML, which CI services read: one test suite for each check, one test case for each gradient."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as ET

from gradlab.verify.flat import FlatRow

# XML 1.0 cannot hold these at all, escaped or not; a claim may quote them from an error message.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(rows: Iterable[FlatRow], *, profile: str, seed: int) -> str:
    """The XML text. A failed gradient is a failure, one that could not be verified an error.

    The report's text, with the shrunk case and the reproduction, stands in the first failed gradient of its check.
    """
    root = ET.Element("testsuites", name="gradlab")
    for (operation, backend), group in groupby(rows, key=lambda flat: (flat.row.operation, flat.row.backend)):
        flats = list(group)
        suite = ET.SubElement(root, "testsuite", name=_text(f"{operation} ({backend})"))
        properties = ET.SubElement(suite, "properties")
        for name, value in (("profile", profile), ("seed", str(flats[0].data["seed"] or seed))):
            ET.SubElement(properties, "property", name=name, value=_text(value))
        told: set[str] = set()
        for flat in flats:
            _case(suite, flat, told)
        _counts(suite, suite.findall("testcase"))
    _counts(root, root.findall("testsuite/testcase"))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def write(path: Path, rows: Iterable[FlatRow], *, profile: str, seed: int) -> None:
    """Write the XML to a file."""
    text = junit(rows, profile=profile, seed=seed)
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{text}', encoding="utf-8")


def _case(suite: ET.Element, flat: FlatRow, told: set[str]) -> None:
    row = flat.row
    case = ET.SubElement(
        suite,
        "testcase",
        classname=_text(f"gradlab.{row.backend}.{row.operation}"),
        name=_text(row.argument or "isolation"),
        time=f"{row.seconds:.3f}",
    )
    if row.verdict == "skipped":
        ET.SubElement(case, "skipped", message=_text(row.reason))
        return
    own = [f for f in flat.data["findings"] if f["severity"] == "failure" and f["argument"] in (row.argument, "")]
    own += [f for f in flat.data["findings"] if f["severity"] == "failure" and f not in own]
    if row.verdict in ("fail", "inconclusive"):
        failed = row.verdict == "fail"
        kind = own[0]["law"] if failed and own else row.verdict
        message = own[0]["claim"] if failed and own else row.reason
        tag = ET.SubElement(case, "failure" if failed else "error", type=_text(kind), message=_text(message))
        if flat.text not in told:
            told.add(flat.text)
            tag.text = _text(flat.text)
    notes = [f"note {f['law']}: {f['claim']}" for f in flat.data["findings"] if f["severity"] == "note"]
    if notes:
        ET.SubElement(case, "system-out").text = _text("\n".join(notes))


def _counts(element: ET.Element, cases: list[ET.Element]) -> None:
    element.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(name, str(sum(case.find(tag) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")


def _text(value: object) -> str:
    return _ILLEGAL.sub("�", str(value))
