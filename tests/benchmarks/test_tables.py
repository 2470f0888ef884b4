"""What the long benchmarks print: counts that add up, names that stay hidden, figures that mean what they say."""

import doctest
from types import ModuleType

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks import animals, bounds, cost, diagnosis, false_alarms, power, rivals, scaling, standings, tables
from benchmarks.zoo import CATEGORIES


def text_of(table: Table) -> str:
    """The table as a reader sees it."""
    console = Console(width=250)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def row(text: str, title: str) -> list[str]:
    """The cells of the first row with this title."""
    line = next(line for line in text.splitlines() if line.strip().startswith(title))
    return line.strip()[len(title) :].split()


def record(animal: str, group: str, verdict: str, *, half: str = "tune", seed: int = 0, cpu: float = 0.5) -> dict:
    """A line of the log of the rivals."""
    return {
        "animal": animal,
        "group": group,
        "half": half,
        "seed": seed,
        "verdict": verdict,
        "seconds": 1.0,
        "cpu": cpu,
    }


@pytest.mark.parametrize("module", [bounds, scaling, tables])
def test_examples(module: ModuleType) -> None:
    """The examples in the docstrings hold."""
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_standing_counts() -> None:
    """Crashes count as found, an open verdict does not, what cannot run counts in no share."""
    found = [
        record("a", "formula", "fail"),
        record("b", "formula", "died"),
        record("c", "formula", "inconclusive"),
        record("d", "state", "pass", half="held_out"),
        record("e", "state", "not applicable"),
        record("right", "ordinary", "pass", cpu=0.25),
        record("hard", "hard", "fail"),
        record("odd", "hard", "inconclusive"),
    ]
    entry = standings.standing(found)
    assert entry["detected"]["formula"] == [2, 3]
    assert entry["detected_in_all"] == [2, 4]
    assert entry["not_applicable"] == 1
    assert entry["false_alarms"] == {"ordinary": [0, 1], "hard": [1, 2]}
    assert entry["inconclusive"]["hard"] == [1, 2]
    assert entry["seconds"]["cpu"]["median"] == 0.25
    assert entry["missed"] == {"c": [0]}
    assert entry["wrongly_accused"] == {"hard": [0]}
    assert standings.standing(found, reveal=True)["missed"] == {"c": [0], "d": [0]}
    text = text_of(standings.table({"quick": entry}))
    assert row(text, "formula") == ["66.7", "%", "2/3"]
    assert row(text, "detected in all") == ["50.0", "%", "2/4"]
    assert row(text, "median seconds") == ["0.25"]
    assert list(standings.names({"quick": entry})) == [
        "gradlab quick: missed c (seeds 0)",
        "gradlab quick: wrongly accused hard (seeds 0)",
        "gradlab quick: left open odd (seeds 0)",
    ]


def test_worst_seed() -> None:
    """The row shows the seed with the smallest share."""
    found = [record("a", "formula", "fail", seed=0), record("a", "formula", "pass", seed=1)]
    assert row(text_of(standings.table({"quick": standings.standing(found)})), "worst seed") == ["0.0", "%", "0/1"]


def test_false_alarms_are_listed() -> None:
    """Each failure with its claim, the hidden ones counted, and the rate that the number of checks allows."""
    base = {"group": "hard", "profile": "default", "seed": 7, "reason": "", "failures": []}
    found = [
        base | {"subject": "good", "half": "tune", "verdict": "pass"},
        base | {"subject": "odd", "half": "tune", "verdict": "fail", "failures": ["value: x: is wrong"]},
        base | {"subject": "secret", "half": "held_out", "verdict": "inconclusive"},
    ]
    lines = list(false_alarms.lines(found, [found[1]]))
    assert lines[0] == "fail: odd, seed 7: value: x: is wrong"
    assert lines[1] == "and 1 of the held-out half, which --reveal names"
    assert lines[2].startswith("1 false alarms in 3 checks: with 95 % confidence the rate is below 0.86")
    assert row(text_of(false_alarms.table(found)), "all")[:3] == ["3", "3", "33.3"]


def test_seeds_of_false_alarms_differ() -> None:
    """Every check of a subject has a seed of its own, the same in every run."""
    first, again = (false_alarms.tasks(["abs", "softmax (numpy)"], 6, "quick", 0) for _ in range(2))
    assert first == again
    assert [task.arguments[0] for task in first] == ["abs", "softmax (numpy)"] * 3
    assert len({task.arguments[2] for task in first}) == 6


@pytest.mark.parametrize(
    ("said", "verdict", "kinds", "result"),
    [
        (["sign", "layout"], "fail", ["sign"], "right"),
        (["layout", "sign"], "fail", ["sign", "region"], "wrong"),
        ([], "fail", ["sign"], "none"),
        ([], "pass", ["sign"], "not found"),
        (["sign"], "fail", [], "no label"),
        ([], "not applicable", ["sign"], "not applicable"),
    ],
)
def test_diagnosis_is_judged(said: list[str], verdict: str, kinds: list[str], result: str) -> None:
    """By the first diagnosis against all acceptable kinds."""
    entry = diagnosis.judged({"animal": "a", "half": "tune", "verdict": verdict, "said": said}, kinds)
    assert entry["result"] == result
    assert diagnosis.counts([entry]) == {result: 1}
    assert "half held_out" in text_of(diagnosis.table([entry]))


def test_power_of_one_run() -> None:
    """A run states a power, plants the error in that argument and dtype, and says what was caught."""
    found = power.examine("abs", "quick", 0, 1e12)
    assert found["verdict"] == "ran"
    assert found["same_seed"] is True
    assert found["dtype"] == "float64"
    assert 0 < found["power"] < 1
    line = {"subject": "abs", "group": "ordinary"} | found
    assert row(text_of(power.table([line])), "abs")[:4] == ["1", "100.0", "%", "1/1"]
    missed = line | {"same_seed": False}
    assert len(list(power.escaped([line, missed]))) == 1


def test_cost_of_one_case() -> None:
    """A case of a hundred elements is timed whole; the slope needs three sizes."""
    found = scaling.time_case("softmax", 100, 1)
    assert found["cpu"] >= 0
    lines = scaling.growths([{"case of": "softmax", "elements": n, "cpu": float(n)} for n in (10, 100, 1000)])
    assert lines[0].slope == pytest.approx(1)
    assert scaling.growths([{"case of": "softmax", "elements": 10, "cpu": 1.0}])[0].slope is None
    assert row(text_of(cost.case_table(lines)), "softmax")[-1] == "1.00"


def test_choice_of_animals() -> None:
    """By half, group and name; an unknown name and an empty choice say what to do."""
    assert {animal.half for animal in animals.choose("tune")} == {"tune"}
    assert {animal.group for animal in animals.choose(groups=["state", "hard"])} == {"state", "hard"}
    name = animals.choose("tune", ["formula"])[0].name
    assert [animal.name for animal in animals.choose(names=[name])] == [name]
    with pytest.raises(ValueError, match=r"no animal is called 'nobody'; see the zoo"):
        animals.choose(names=["nobody"])
    with pytest.raises(ValueError, match=r"nothing in the zoo satisfies"):
        animals.choose("held_out", names=[name])
    assert set(animals.GROUPS) == {*CATEGORIES, "ordinary", "hard"}


def test_unknown_checker(capsys: pytest.CaptureFixture[str]) -> None:
    """Refused with the names that exist."""
    with pytest.raises(SystemExit):
        rivals.parser().parse_args(["--checkers", "quick,tensorflow"])
    assert "'tensorflow' is no checker; choose from quick, default" in capsys.readouterr().err
