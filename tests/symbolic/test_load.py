"""Finding definitions: gradlab's own, a folder's, one file's; and what each mistake says."""

from pathlib import Path
from types import ModuleType

import pytest

from gradlab.errors import DefinitionError, FormulaError, UnknownOperationError
from gradlab.symbolic import load, traced

GOOD = """
from sympy import Idx, IndexedBase, exp, symbols
from gradlab.symbolic.definition import Definition, given, let
N = symbols("N", integer=True)
n = Idx("n", N)
x, y = map(IndexedBase, "xy")
{name} = Definition(name="{name}", summary="", inputs=[given(x[n])], lets=[let(y[n], exp(x[n]))], output=y[n],
                    reference="torch.exp(x)")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder `derivations` of the reader's own."""
    found = tmp_path / "derivations"
    found.mkdir()
    return found


def test_every_definition_knows_its_file() -> None:
    """Each definition names the file it was read from, relative to the folder's parent."""
    found = load.definitions()
    assert found["softmax"].source == "derivations/softmax.py"
    assert all((load.folder().parent / definition.source).is_file() for definition in found.values())


def test_definitions_come_in_the_order_of_their_files(folder: Path) -> None:
    """The order does not depend on the file system, and files that begin with an underscore are left out."""
    for name in ("zeta", "alpha", "_helper"):
        (folder / f"{name}.py").write_text(GOOD.format(name=name.strip("_")))
    assert list(load.definitions(folder)) == ["alpha", "zeta"]


def test_unknown_operation_suggests_the_nearest() -> None:
    """A misspelt name is answered with the name that was meant."""
    with pytest.raises(UnknownOperationError) as caught:
        load.definition("sofmax")
    assert str(caught.value) == "unknown operation 'sofmax'; did you mean 'softmax' or 'log_softmax' or 'max'?"


def test_hopeless_name_points_at_the_list() -> None:
    """A name that resembles nothing is answered with where to look."""
    with pytest.raises(UnknownOperationError) as caught:
        load.definition("qqqqqqqq")
    assert str(caught.value) == "unknown operation 'qqqqqqqq'; see `gradlab list`"


def failure(folder: Path) -> str:
    """What loading a folder raises."""
    with pytest.raises(DefinitionError) as caught:
        load.definitions(folder)
    return str(caught.value)


def test_one_name_in_two_files_is_an_error(folder: Path) -> None:
    """Both files are named."""
    (folder / "a.py").write_text(GOOD.format(name="twice"))
    (folder / "b.py").write_text(GOOD.format(name="twice"))
    assert failure(folder) == (
        "derivations/b.py: the operation 'twice' is defined in derivations/a.py too; rename one of the two"
    )


def test_one_name_twice_in_a_file_is_an_error(folder: Path) -> None:
    """Two different definitions of one name; the same one under two variables is fine."""
    (folder / "a.py").write_text(GOOD.format(name="twice") + "alias = twice\n")
    assert list(load.definitions(folder)) == ["twice"]
    changed = "import dataclasses\nb = dataclasses.replace(twice, summary='b')"
    (folder / "a.py").write_text(GOOD.format(name="twice") + changed)
    assert failure(folder) == "derivations/a.py: the operation 'twice' is defined twice; rename one of the two"


def test_one_of_several_is_looked_at_alone() -> None:
    """Whoever asks for one name is not stopped by a traced function beside it that has no formula."""
    module = ModuleType("beside")
    exec("import numpy as np\ndef good(x): return np.exp(x)\ndef bad(x): return np.sort(x)", vars(module))
    for name in ("good", "bad"):
        setattr(module, name, traced("(n)->(n)")(getattr(module, name)))
    assert list(load.collected(module, "beside.py", "good")) == ["good"]
    with pytest.raises(FormulaError, match=r"np\.sort has no formula"):
        load.collected(module, "beside.py")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = 1 / 0\n", "derivations/a.py:2: cannot be imported: ZeroDivisionError: division by zero"),
        ("import nowhere\n", "derivations/a.py:1: cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        ("x = (\n", "derivations/a.py:1: cannot be imported: SyntaxError: '(' was never closed (a.py, line 1)"),
    ],
)
def test_file_that_fails_to_import_is_named_with_its_line(folder: Path, text: str, message: str) -> None:
    """The message gives the file, the line in it and the exception."""
    (folder / "a.py").write_text(text)
    assert failure(folder) == f"{message}; correct the file"


def test_file_without_definition(folder: Path) -> None:
    """A file that defines nothing says what to write."""
    (folder / "a.py").write_text("x = 1\n")
    assert failure(folder) == (
        "derivations/a.py: it holds no Definition; assign one at the top level: my_op = Definition(...), or put "
        "@gradlab.symbolic.traced('(n)->(n)') above a function"
    )


def test_one_definition_of_a_file(tmp_path: Path) -> None:
    """By its name; a name that is not there is answered with those that are."""
    file = tmp_path / "two.py"
    file.write_text(GOOD.format(name="one") + GOOD.format(name="two"))
    assert list(load.from_file(file, "two")) == ["two"]
    with pytest.raises(DefinitionError, match=r"two\.py: it holds no Definition 'three'; it has one, two$"):
        load.from_file(file, "three")


def test_missing_file(tmp_path: Path) -> None:
    """A path that leads nowhere is shown as it was given."""
    with pytest.raises(DefinitionError) as caught:
        load.from_file(tmp_path / "no.py")
    assert str(caught.value) == (
        f"{tmp_path / 'no.py'}: there is no such file; give the path of a Python file that holds a Definition"
    )
