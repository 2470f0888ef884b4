from pathlib import Path
from types import ModuleType

import pytest

import gradlab
from gradlab.adapters.functions import from_functions
from gradlab.mutate.bench import Bench, registered
from gradlab.mutate.difference import Comparison, compare
from gradlab.mutate.generate import mutants
from gradlab.mutate.source import Source
from gradlab.mutate.variant import variant
from gradlab.verify.specification import specify

HEAD = "import numpy as np\ndef forward(x, y):\n    return {}\ndef backward(grad_output, x, y):\n    {}\n"


def compared(tmp_path: Path, forward: str, right: str, wrong: str, signature: str = "(n),(n)->(n)") -> Comparison:
    """The comparison of two backwards."""
    path = tmp_path / "functions.py"
    path.write_text(HEAD.format(forward, right))
    module = ModuleType("functions")
    module.__file__ = str(path)
    module = variant(module, path.read_text())
    bench = Bench(
        module,
        lambda found: from_functions(found.forward, found.backward),
        specify(signature, names=("x", "y"), domains={"y": gradlab.real(-9, 9)}),
    )
    return compare(bench, HEAD.format(forward, wrong), seed=3)


@pytest.mark.parametrize(
    ("right", "wrong", "kind", "why"),
    [
        (
            "return grad_output * y, grad_output * x",
            "return (grad_output / 3) * (3 * y), x * grad_output",
            "agrees",
            "digits",
        ),
        (
            "return grad_output * y, grad_output * x",
            "return np.exp(x) * grad_output * np.exp(-x) * y, grad_output * x",
            "different",
            "",
        ),
        (
            "return np.where(x > 0, grad_output, 0), grad_output * y",
            "return np.where(x >= 0, grad_output, 0), grad_output * y",
            "kinks",
            "only at kinks or ties",
        ),
        (
            "return (x > y) * grad_output, (x <= y) * grad_output",
            "return (x >= y) * grad_output, (x <= y) * grad_output",
            "kinks",
            "only at kinks or ties",
        ),
        ("return grad_output.copy(), 1 * y", "return grad_output, 1 * y", "sharing", "in memory of grad_output"),
        ("return grad_output * y, 1 * x", "grad_output *= y; return grad_output, 1 * x", "different", "edits"),
        (
            "return grad_output * y, 1 * x",
            "return (grad_output * y).astype('float32').astype(x.dtype), 1 * x",
            "different",
            "where it was",
        ),
        ("return grad_output * y, 1 * x", "return (1 + 1e-12) * grad_output * y, 1 * x", "different", "where it was"),
        ("return grad_output * y, 1 * x", "return grad_output * y, None", "different", "grad y is None"),
        ("return grad_output * y, 1 * x", "return grad_output * y, x.sum()", "different", "of shape"),
        ("return grad_output * y, 1 * x", "return grad_output * y, (1 * x,)[1]", "different", "raises IndexError"),
        ("return grad_output * y, 1 * x", "return grad_output * y, 1 * x, x", "different", "3 gradients for 2"),
        ("return grad_output * y, x / (x.size + 1)", "return grad_output * y, x / 2", "different", "grad y is"),
        (
            "return grad_output * y, np.where(x == 0, 0, x)",
            "return grad_output * y, np.where(x == 0, np.nan, x)",
            "different",
            "nan",
        ),
        (
            "z = x - x.max(initial=-np.inf); e = np.exp(z); return e / e.sum(), 1 * y",
            "z = x; e = np.exp(z); return e / e.sum(), 1 * y",
            "different",
            "",
        ),
    ],
)
def test_kinds(tmp_path: Path, right: str, wrong: str, kind: str, why: str) -> None:
    """Rewritten, different at a tie, different in memory, by twelve digits, in contract, at one size, in overflow."""
    found = compared(tmp_path, "x * y", right, wrong)
    assert (found.kind, found.equivalent) == (kind, kind != "different"), found
    assert why in found.why
    assert bool(found.witness) == (kind in ("different", "kinks"))


def test_without_objects(tmp_path: Path) -> None:
    """A function that NumPy cannot compute with objects is compared in floats, and the reason says so."""
    right = "return grad_output * np.nan_to_num(np.isnan(x) + y), 1 * x"
    found = compared(tmp_path, "x * y", right, right.replace("grad_output * ", "0.5 * grad_output * 2 * "))
    assert (found.kind, found.why) == ("agrees", "presumed: the same on 180 draws in floats")


def test_witness_is_plain(tmp_path: Path) -> None:
    """The inputs on which a mutant differs are few whole numbers, in a form that can be pasted."""
    found = compared(
        tmp_path, "x * y", "return grad_output * y, grad_output * x", "return grad_output * x, grad_output * x"
    )
    assert found.why in found.witness[0]
    arrays = [line.partition(" = ")[2] for line in found.witness[1:]]
    assert len(arrays) == 3
    assert all(text.startswith("np.array([") and len(text) < 60 for text in arrays), arrays


def test_forward_that_never_runs(tmp_path: Path) -> None:
    """Nothing is known then, and nothing is claimed."""
    found = compared(tmp_path, "x.no_such_thing", "return x, y", "return y, x")
    assert (found.kind, found.equivalent, found.why) == ("unknown", False, "the original runs on no draw")


def test_kernel_mutants() -> None:
    """Of relu's mutants every one is another function."""
    bench = registered("relu")
    assert bench.module.__file__ is not None
    for mutant in mutants(Source.read(bench.module.__file__), "backward"):
        assert compare(bench, mutant.text, seed=1).kind == "different", mutant.description
