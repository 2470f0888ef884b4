"""What the README promises is what runs."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_runs_the_second_command() -> None:
    """.ci/run runs the README's second command, to the letter."""
    commands = re.findall(r"^```sh\n(.*?)\n```", README, flags=re.DOTALL | re.MULTILINE)
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert commands[1] in lines
    assert commands[0] == f"{commands[1]} -e verify"


def test_own_function_example() -> None:
    """The README's example of a reader's own backward verifies."""
    (example,) = re.findall(r"^```python\n(.*?)\n```", README, flags=re.DOTALL | re.MULTILINE)
    exec(compile(example, "README.md", "exec"), {})
