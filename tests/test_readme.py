"""What the README promises is what runs."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_runs_the_second_command() -> None:
    """The last line of .ci/run is the README's second command, to the letter."""
    commands = re.findall(r"^```sh\n(.*?)\n```", README, flags=re.DOTALL | re.MULTILINE)
    last_line = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]
    assert last_line == commands[1]
    assert commands[0] == f"{last_line} -e verify"


def test_own_function_example() -> None:
    """The README's example of a reader's own backward verifies."""
    (example,) = re.findall(r"^```python\n(.*?)\n```", README, flags=re.DOTALL | re.MULTILINE)
    exec(compile(example, "README.md", "exec"), {})
