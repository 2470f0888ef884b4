from pathlib import Path

import pytest

from gradlab import registry
from gradlab.errors import SignatureError
from gradlab.mutate.generate import mutants
from gradlab.mutate.source import Source

TEXT = """import numpy as np

class Layer:
\tdef backward(self, grad_output):
\t\td = grad_output * self.x  # größer
\t\treturn d



if True:
    def backward(g, x):
        d = 2 * g
        d *= x
        return d
"""


def test_only_the_change_differs() -> None:
    """Every other line of the file keeps its every character, comments, tabs and letters beyond ASCII too."""
    source = Source("f.py", TEXT)
    for name in ("Layer.backward", "backward"):
        found = mutants(source, name)
        assert found
        for mutant in found:
            old, new = source.text.splitlines(), mutant.text.splitlines()
            assert old[: mutant.line - 1] == new[: mutant.line - 1]
            after = len(old) - mutant.line
            assert old[mutant.line :] == new[len(new) - after :]
            assert mutant.diff.startswith("--- f.py\n+++ f.py (")


def test_every_mutant_is_another_function_and_its_own() -> None:
    """Ids and texts are all different, and every text is Python, for kernels of each kind."""
    for name in ("softmax", "linear", "cross_entropy"):
        path = registry.kernel(name).__file__
        assert path is not None
        source = Source.read(path)
        found = mutants(source, "backward")
        assert len(found) >= 14, name
        assert len({mutant.id for mutant in found}) == len(found)
        assert len({mutant.text for mutant in found} | {source.text}) == len(found) + 1
        assert all(Source("", mutant.text).functions for mutant in found)


def test_ids_name_line_operator_and_number() -> None:
    """The same mutants have the same ids whichever operators are asked for, in the order of the text."""
    source = Source("f.py", TEXT)
    every = [mutant.id for mutant in mutants(source, "backward")]
    assert every == sorted(every, key=lambda label: int(label.partition("-")[0]))
    assert [mutant.id for mutant in mutants(source, "backward", ["dropped statement"])] == ["13-dropped-statement-1"]
    assert "13-dropped-statement-1" in every


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"\xff\xfe\x00", "f", "f.py: not a Python file (not UTF-8 text)"),
        (b"def f(:\n", "f", "f.py: not a Python file: invalid syntax (line 1)"),
        (b"def forward(x): pass\n", "forwrad", "f.py: defines no function 'forwrad'; did you mean 'forward'?"),
        (b"x = 1\n", "f", "f.py: defines no function 'f'; known: none"),
    ],
)
def test_bad_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, name: str, message: str) -> None:
    """What is no Python and what is not in it: one line."""
    monkeypatch.chdir(tmp_path)
    Path("f.py").write_bytes(content)
    with pytest.raises(SignatureError) as caught:
        Source.read("f.py").function(name)
    assert str(caught.value) == message


def test_unknown_operator() -> None:
    """With the nearest one."""
    with pytest.raises(SignatureError, match="no operator 'sing'; did you mean 'sign'"):
        mutants(Source("f.py", TEXT), "backward", ["sing"])


def test_description_of_a_long_change() -> None:
    """Of a long expression the part that differs is shown."""
    long = "np.sum(grad_output * np.cos(x), axis=0) / np.sqrt(x.var(axis=0) + eps) + x.mean(axis=0) * x.max(axis=0)"
    source = Source("f.py", f"import numpy as np\ndef backward(grad_output, x, eps):\n    d = {long}\n")
    found = [mutant.description for mutant in mutants(source, "backward", ["arithmetic"])]
    assert found[0] == "…s=0) + eps) + x.mean(axis… becomes …s=0) + eps) - x.mean(axis…"
