"""What `import gradlab` may load; in fresh processes, because this one has loaded everything."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"hypothesis", "jax", "jinja2", "matplotlib", "rich", "sympy", "torch"}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `statement`."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in json.loads(result.stdout)}


@pytest.mark.parametrize(
    "statement",
    [
        "import gradlab",
        "from gradlab import registry; assert registry.names()",
        "from gradlab import registry; assert registry.operation('softmax').arguments",
    ],
)
def test_light_imports(statement: str) -> None:
    """Importing gradlab, listing operations and reading a record load no heavy library."""
    assert loaded_by(statement) & HEAVY == set()


def test_the_probe_sees_a_heavy_import() -> None:
    """The test above can fail."""
    assert "hypothesis" in loaded_by("import hypothesis.strategies")
