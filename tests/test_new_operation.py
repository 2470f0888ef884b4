"""Adding an operation is one file in `derivations/` and one command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

DEFINITION = '''"""Half the mean squared distance to a target."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.symbolic.definition import Definition, given, let

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, target, residual = map(IndexedBase, ("x", "target", "residual"))
loss = symbols("loss")

half_squared_error = Definition(
    name="half_squared_error",
    summary="Half the squared distance of each row to its target, averaged over the rows.",
    inputs=[given(x[n, d]), given(target[n, d])],
    lets=[
        let(residual[n, d], x[n, d] - target[n, d]),
        let(loss, Sum(residual[n, d] ** 2, n, d) / (2 * N)),
    ],
    output=loss,
    reference="torch.nn.functional.mse_loss(x, target, reduction='sum') / (2 * x.shape[0])",
)
'''


def gradlab(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line on the copy in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "gradlab", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_one_file_and_one_command_add_an_operation(tmp_path):
    """A definition dropped into a copy is derived, proved, listed, fresh and verified with no other edit."""
    for name in ("gradlab", "derivations"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "derivations" / "half_squared_error.py").write_text(DEFINITION)
    derived = gradlab(tmp_path, "derive", "half_squared_error")
    assert derived.returncode == 0, derived.stderr
    assert "half_squared_error" in gradlab(tmp_path, "list").stdout
    checked = gradlab(tmp_path, "derive", "half_squared_error", "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    verified = gradlab(tmp_path, "verify", "half_squared_error", "--profile", "quick", "--seed", "1")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    source = (tmp_path / "gradlab" / "kernels" / "numpy" / "half_squared_error.py").read_text()
    assert "residual * (grad_output * inverse_n)" in source
