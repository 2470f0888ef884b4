from pathlib import Path

import pytest

from gradlab.errors import SignatureError
from gradlab.mutate import listing
from gradlab.mutate.bench import registered
from gradlab.mutate.difference import Comparison
from gradlab.mutate.generate import Mutant, mutants
from gradlab.mutate.judge import judge
from gradlab.mutate.log import Log
from gradlab.mutate.outcome import Outcome, Verdict, score
from gradlab.mutate.source import Source

DIFFERENT = Comparison("different", "grad x is 2 where it was 1", ("grad x is 2 where it was 1, at", "  x = 1"))


def mutant(name: str = "1-sign-1", operator: str = "sign") -> Mutant:
    """A mutant of no file."""
    return Mutant(name, operator, "backward", 1, "x becomes -x", f"text of {name}", "-x\n+-x\n")


EVERY = [
    Outcome(mutant(), Verdict("killed", "exit status 1"), None, 0.5),
    Outcome(mutant(), Verdict("timed out", "no end after 5 s")),
    Outcome(mutant(), Verdict("survived"), DIFFERENT),
    Outcome(mutant(operator="axis"), Verdict("survived"), Comparison("agrees", "presumed: the same")),
    Outcome(mutant(operator="axis"), None, Comparison("proved", "proved: the same algebraic normal form")),
    Outcome(mutant(operator="axis"), Verdict("survived"), Comparison("unknown", "not compared")),
    Outcome(mutant(), Verdict("invalid", "could not be imported: SyntaxError")),
    Outcome(mutant(), Verdict("survived")),
]


def test_score() -> None:
    """Killed and timed out of these and the survivors; equivalent and invalid ones do not count."""
    assert [outcome.kind for outcome in EVERY] == [
        "killed", "killed", "survived", "equivalent", "equivalent", "survived", "invalid", "survived"
    ]  # fmt: skip
    assert score(EVERY) == 2 / 5
    assert score(EVERY[3:5]) is None
    assert listing.summary(EVERY) == "killed 2 of 5 (40.0 %); 2 equivalent; 1 invalid"
    assert listing.summary(EVERY[3:5]) == "killed 0 of 0 (nothing to kill); 2 equivalent"
    many = [EVERY[0]] * 2999 + [EVERY[2]]
    assert listing.summary(many) == "killed 2999 of 3000 (99.9 %)"


def test_text() -> None:
    """A survivor shows its diff and its witness; an equivalent one its reason; the table counts by operator."""
    assert list(listing.survivors(EVERY[2:3])) == [
        "survived 1-sign-1: x becomes -x",
        "  -x",
        "  +-x",
        "  differs: grad x is 2 where it was 1, at",
        "    x = 1",
    ]
    assert list(listing.survivors(EVERY[5:6]))[-1] == "  not compared"
    assert list(listing.survivors(EVERY[7:]))[-1] == "  not compared with the original"
    assert [line.rpartition(": ")[2] for line in listing.equivalents(EVERY)] == [
        "the same", "the same algebraic normal form"
    ]  # fmt: skip
    assert [line.partition(" 1-")[0] for line in listing.others(EVERY)] == ["timed out", "invalid"]
    table = listing.table(EVERY)
    assert [column.header for column in table.columns] == [
        "operator",
        "mutants",
        "killed",
        "survived",
        "equivalent",
        "invalid",
    ]
    assert list(table.columns[1].cells) == ["5", "3", "8"]


def test_json() -> None:
    """Counts and every mutant, in plain types."""
    data = listing.as_dict("f", EVERY)
    assert (data["mutants"], data["killed"], data["survived"], data["score"]) == (8, 2, 3, 0.4)
    assert data["outcomes"][2]["witness"] == ["grad x is 2 where it was 1, at", "  x = 1"]
    assert data["outcomes"][4]["status"] is None


def test_log(tmp_path: Path) -> None:
    """A verdict is known again for the same mutant under the same test; a line cut off by a crash does no harm."""
    path = tmp_path / "log.jsonl"
    Log(path, "pytest").add(mutant("a"), Verdict("killed", "why"), 0.25)
    with path.open("a") as file:
        file.write('{"key": "12')
    log = Log(path, "pytest")
    assert log.find(mutant("a")) == (Verdict("killed", "why"), 0.25)
    assert log.find(mutant("b")) is None
    assert Log(path, "another test").find(mutant("a")) is None
    assert Log(None, "pytest").find(mutant("a")) is None
    path.write_text("no log\nat all\n")
    with pytest.raises(SignatureError, match="line 1 is no verdict of `gradlab mutate`; name a new file"):
        Log(path, "pytest")


def test_judge() -> None:
    """gradlab's own check passes the original and names the law that a mutant breaks."""
    bench = registered("relu")
    assert bench.module.__file__ is not None
    found = mutants(Source.read(bench.module.__file__), "backward")
    magnitude = next(item for item in found if item.id.endswith("-abs-1"))
    assert judge(bench, None, profile="quick").status == "survived"
    verdict = judge(bench, magnitude.text, profile="quick")
    assert verdict.status == "killed"
    assert verdict.why.startswith(("value: ", "linearity: "))
    invalid = judge(bench, "1 / 0\n", profile="quick")
    assert (invalid.status, invalid.why) == ("invalid", "could not be imported: ZeroDivisionError: division by zero")
