"""Kernels on disk."""

import pytest

from gradlab.codegen.files import compare, kernels_folder, orphans, write
from gradlab.registry import names
from tests.catalogue import NAMES, derivation


@pytest.mark.parametrize("name", NAMES)
def test_committed_kernels_are_fresh(name):
    """What is committed is what today's definition and generator give."""
    assert [change.diff for change in compare(derivation(name))] == []


def test_every_kernel_has_a_definition():
    """No kernel outlives its definition."""
    assert orphans(names()) == ()


def folder(tmp_path):
    """An empty kernels folder."""
    for backend in ("numpy", "torch"):
        (tmp_path / "gradlab" / "kernels" / backend).mkdir(parents=True)
    return tmp_path / "gradlab" / "kernels"


def test_an_edited_kernel_is_shown_as_a_diff_and_written_back(tmp_path):
    """An edit by hand is found, shown from the file on disk to the derived text, and undone by writing."""
    kernels = folder(tmp_path)
    assert len(write(derivation("relu"), kernels)) == 2
    assert compare(derivation("relu"), kernels) == ()
    path = kernels / "numpy" / "relu.py"
    path.write_text(path.read_text().replace("grad_x *= grad_output", "grad_x *= abs(grad_output)"))
    (change,) = compare(derivation("relu"), kernels)
    assert change.diff.splitlines()[:2] == [
        "--- gradlab/kernels/numpy/relu.py (on disk)",
        "+++ gradlab/kernels/numpy/relu.py (derived)",
    ]
    assert "-    grad_x *= abs(grad_output)" in change.diff.splitlines()
    assert "+    grad_x *= grad_output" in change.diff.splitlines()
    assert write(derivation("relu"), kernels) == (change,)
    assert compare(derivation("relu"), kernels) == ()


def test_a_kernel_without_definition_is_an_orphan(tmp_path):
    """A kernel that no definition gives is named."""
    kernels = folder(tmp_path)
    write(derivation("relu"), kernels)
    assert [path.name for path in orphans(["softmax"], kernels)] == ["relu.py", "relu.py"]


def test_kernels_are_looked_for_beside_the_package_that_runs():
    """The folder is that of the imported package, whatever else is installed."""
    assert (kernels_folder() / "numpy" / "softmax.py").is_file()
