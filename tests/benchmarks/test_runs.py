"""The log of a long benchmark: nothing done is done again, nothing lost, and workers that die leave a record."""

import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.runs import Log, Task, add_running, complete, count, records


def work(name: str, folder: str) -> dict[str, object]:
    """A job that leaves a mark each time it runs; "dies" kills its process, "raises" raises."""
    with Path(folder, name).open("a") as file:
        file.write("x")
    if name == "dies":
        os._exit(3)
    if name == "raises":
        raise ValueError("on purpose")
    return {"verdict": "pass", "length": len(name)}


def tasks(folder: Path, *names: str) -> list[Task]:
    """One task for each name."""
    return [Task({"name": name}, work, (name, str(folder))) for name in names]


def options(folder: Path, *arguments: str) -> Namespace:
    """What the command line would give."""
    cli = ArgumentParser()
    add_running(cli, "test")
    return cli.parse_args(["--log", str(folder / "log.jsonl"), "--workers", "1", *arguments])


QUIET = Console(stderr=True, quiet=True)


def test_resumes(tmp_path: Path) -> None:
    """A second run does the new task only, also after a line was cut off, and knows all results."""
    assert complete(tasks(tmp_path, "a", "dies", "raises"), options(tmp_path), QUIET)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"key": {"name": "b"}, "resu')
    everything = tasks(tmp_path, "a", "dies", "raises", "b")
    assert complete(everything, options(tmp_path), QUIET)
    found = {record["name"]: record for record in records(everything, options(tmp_path))}
    assert [record["verdict"] for record in found.values()] == ["pass", "died", "died", "pass"]
    assert "exit status 3" in found["dies"]["reason"]
    assert found["raises"]["reason"] == "ValueError: on purpose"
    assert {name: (tmp_path / name).read_text() for name in found} == dict.fromkeys(found, "x")


def test_fresh_forgets(tmp_path: Path) -> None:
    """`--fresh` starts an empty log."""
    log = Log(tmp_path / "log.jsonl")
    (task,) = tasks(tmp_path, "a")
    log.enter(task, {"verdict": "pass"})
    assert Log(log.path).of(task) == {"name": "a", "verdict": "pass"}
    assert Log(log.path, fresh=True).of(task) is None


def test_log_is_json_lines(tmp_path: Path) -> None:
    """One object a line, the key apart from the result; the order of a key's fields does not matter."""
    log = Log(tmp_path / "log.jsonl")
    log.enter(Task({"a": 1, "b": 2}, work, ()), {"verdict": "pass"})
    assert json.loads(log.path.read_text()) == {"key": {"a": 1, "b": 2}, "result": {"verdict": "pass"}}
    assert Log(log.path).of(Task({"b": 2, "a": 1}, work, ())) is not None


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_count_refuses(text: str) -> None:
    """A number of workers is at least one."""
    with pytest.raises(Exception, match=r"is not a count; give 1 or more"):
        count(text)
