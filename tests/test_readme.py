"""What the README promises is what runs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_runs_the_second_command() -> None:
    """.ci/run runs the README's second command, to the letter."""
    commands = re.findall(r"^```sh\n(.*?)\n```", README, flags=re.DOTALL | re.MULTILINE)
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert commands[1] in lines
    assert commands[0] == f"{commands[1]} -e verify"


def test_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """The example of a reader's own backward verifies, and that of a traced function prints what it says."""
    own, traced = re.findall(r"^```python\n(.*?)\n```", README, flags=re.DOTALL | re.MULTILINE)
    exec(compile(own, "README.md", "exec"), {})
    exec(compile(traced, "README.md", "exec"), {})
    assert f"```text\n{capsys.readouterr().out}```" in README
