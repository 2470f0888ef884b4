import pytest

from gradlab.mutate.generate import mutants
from gradlab.mutate.operators import OPERATORS
from gradlab.mutate.source import Source


def changed(operator: str, *body: str) -> set[str]:
    """The lines that stand in the mutants of a function and not in it; lines of one mutant are joined by "; "."""
    lines = ["import numpy as np", "def backward(grad_output, x, y):", *(f"    {line}" for line in body)]
    source = Source("f.py", "\n".join(lines) + "\n")
    return {
        "; ".join(line.strip() for line in mutant.text.splitlines() if line not in lines)
        for mutant in mutants(source, "backward", [operator])
    }


# Operator, the function's body, what its lines become.
CASES: list[tuple[str, tuple[str, ...], set[str]]] = [
    ("sign", ("return -x * y",), {"return x * y", "return -(-x * y)"}),
    ("sign", ("d = x * y", "return d, None"), {"d = -(x * y)", "return (-d, None)"}),
    ("sign", ("n = x.shape[0]", "d = np.empty(n)", "x, y = d"), set()),
    ("arithmetic", ("d = x + y",), {"d = x - y"}),
    ("arithmetic", ("d = (x - y) * 2",), {"d = (x + y) * 2", "d = (x - y) / 2"}),
    ("arithmetic", ("d = x ** 2", "d /= y"), {"d = x * 2", "d *= y"}),
    ("arithmetic", ("d = np.multiply(x, y, out=x)", "d = np.maximum(x, y)"),
     {"d = np.divide(x, y, out=x)", "d = np.minimum(x, y)"}),
    ("dropped term", ("d = x * (y + 1) - x",), {"d = x * (y + 1)", "d = -x", "d = x * (y) - x", "d = x * (1) - x"}),
    ("dropped factor", ("d = x * y / 2",), {"d = x * y", "d = x / 2", "d = y / 2"}),
    ("dropped factor", ("d = x ** 2",), {"d = x"}),
    ("function", ("d = np.exp(x) + np.tanh(y)",), {"d = x + np.tanh(y)", "d = np.exp(x) + y"}),
    ("abs", ("d = np.abs(x) * grad_output",), {"d = x * grad_output", "d = np.abs(x) * abs(grad_output)"}),
    ("abs", ("d = np.maximum(x, 0)", "n = grad_output.shape"), {"d = x"}),
    ("axis", ("d = x.sum(axis=0)",), {"d = x.sum(axis=1)", "d = x.sum(axis=None)"}),
    ("axis", ("d = np.mean(x, -1)",), {"d = np.mean(x, 0)", "d = np.mean(x, None)"}),
    ("axis", ("d = x.sum(axis=(0, 2))",), {"d = x.sum(axis=(2,))", "d = x.sum(axis=(0,))", "d = x.sum(axis=None)"}),
    ("axis", ("d = x[:, None]",), {"d = x", "d = x[None, :]"}),
    ("axis", ("d = np.einsum('ij,jk->ik', x, y)",),
     {"d = np.einsum('ij,jk->jk', x, y)", "d = np.einsum('ij,jk->ij', x, y)", "d = np.einsum('ij,jk->ki', x, y)",
      "d = np.einsum('ji,jk->ik', x, y)", "d = np.einsum('ij,kj->ik', x, y)"}),
    ("reduction", ("d = x.sum(axis=0)",), {"d = x.mean(axis=0)", "d = x"}),
    ("reduction", ("d = np.max(x) + np.vecdot(x, y)",),
     {"d = np.min(x) + np.vecdot(x, y)", "d = x + np.vecdot(x, y)", "d = np.max(x) + x * y"}),
    ("keepdims", ("d = x.sum(axis=0, keepdims=True)",), {"d = x.sum(axis=0, keepdims=False)"}),
    ("transpose", ("d = x.T @ y",), {"d = x @ y", "d = y @ x.T", "d = x.T @ y.T"}),
    ("transpose", ("d = np.transpose(x)", "d = np.dot(x, y)"), {"d = x", "d = np.dot(y, x)"}),
    ("comparison", ("d = grad_output * (x > 0)",), {"d = grad_output * (x >= 0)", "d = grad_output * (x < 0)"}),
    ("comparison", ("d = ~x",), {"d = x"}),
    ("branch", ("d = np.where(x > 0, x, y)",), {"d = x", "d = y", "d = np.where(x > 0, y, x)"}),
    ("branch", ("d = x if y else 0", "if y:", "    d = y"), {"d = x", "d = 0", "if True:", "if False:"}),
    ("constant", ("d = 2 * x + 0.5",), {"d = 1 * x + 0.5", "d = 3 * x + 0.5", "d = 2 * x + 1.0"}),
    ("constant", ("d = x / (y + 1e-5)",), {"d = x / (y + 0.0)", "d = x / (y + 0.0001)"}),
    ("constant", ("d = x.reshape(2, 3).sum(axis=1)[0]",), set()),
    ("size", ("d = x / x.shape[0]",), {"d = x / (x.shape[0] - 1)", "d = x / 1"}),
    ("size", ("n, d = x.shape", "d = x / n + len(y)"),
     {"d = x / (n - 1) + len(y)", "d = x / 1 + len(y)", "d = x / n + (len(y) - 1)", "d = x / n + 1"}),
    ("index", ("d = x[0] + x[..., 1:]", "e = y[::-1]"),
     {"d = x[1] + x[..., 1:]", "d = x[0] + x[..., 2:]", "e = y[:]"}),
    ("index", ("x[y > 0] = 0",), {"x[:] = 0"}),
    ("name", ("x_hat = x - 1", "d = grad_output * x_hat"),
     {"x_hat = grad_output - 1", "x_hat = y - 1", "d = x * x_hat", "d = y * x_hat", "d = grad_output * x",
      "d = grad_output * grad_output"}),
    ("order", ("return x, y, None",), {"return (y, x, None)", "return (x, None, y)"}),
    ("missing gradient", ("return x, None",), {"return 0 * x, None", "return None, None"}),
    ("dtype", ("return x * 2",),
     {"return (x * 2).astype('float32')", "return (x * 2).astype('float32').astype(grad_output.dtype)"}),
    ("in place", ("d = grad_output * x",), {"grad_output *= x; d = grad_output"}),
    ("in place", ("d = grad_output.copy()", "e = np.array(x)", "f = d * 2"), {"d = grad_output", "e = x"}),
    ("dropped statement", ("x[0] = 0", "y += x", "y *= 2", "np.add(x, y, out=x)"), {"pass", "y = x"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "body", "expected"), CASES, ids=[f"{k} {case[0]}" for k, case in enumerate(CASES)]
)
def test_changes(operator: str, body: tuple[str, ...], expected: set[str]) -> None:
    """Each operator makes exactly these mutants of a small function."""
    found = changed(operator, *body)
    assert {text.replace("return (", "return ").rstrip(")") for text in found} == {
        text.replace("return (", "return ").rstrip(")") for text in expected
    }


def test_every_operator_is_tested() -> None:
    """The table above leaves none out."""
    assert {case[0] for case in CASES if case[2]} == set(OPERATORS)


def test_what_is_left_alone() -> None:
    """Messages of errors, docstrings, annotations and dtypes are nobody's gradient."""
    body = (
        '"""2 * x."""',
        "if x.ndim != 2:",
        "    raise ValueError(f'{x.ndim + 1} axes')",
        "z: float = x",
        "assert y > 0",
    )
    operators = set(OPERATORS) - {"comparison", "branch", "name", "sign", "constant"}
    assert [found for operator in sorted(operators) for found in changed(operator, *body)] == []
    assert changed("constant", *body) == {"if x.ndim != 1:", "if x.ndim != 3:"}
