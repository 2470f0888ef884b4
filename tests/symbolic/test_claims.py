"""Claims: the report's equations, right and wrong forms, and formulas that say nothing."""

from pathlib import Path

import pytest

from gradlab.errors import DefinitionError
from gradlab.symbolic import claim
from gradlab.symbolic.load import claims, definitions, folder
from gradlab.symbolic.show import text

REPORT = claims(folder() / "report_audit.py")


@pytest.mark.parametrize("item", REPORT, ids=[item.label for item in REPORT])
def test_the_report(item: object) -> None:
    """Every equation of the report gets the verdict that reading it by hand gave, with its evidence."""
    verdict = item.audit()  # type: ignore[attr-defined]
    assert verdict.as_expected, str(item)
    if verdict.kind == "refuted":
        assert verdict.counterexample is not None or verdict.true_shape != ()
    elif not item.shape:  # type: ignore[attr-defined]
        assert verdict.proof is not None
        assert verdict.proof.mutants >= 4
        assert verdict.proof.survivors == ()


def test_the_report_is_complete() -> None:
    """All equations of the list are there, and the one that the report leaves out."""
    numbers = {item.label.partition(",")[0] for item in REPORT}
    wanted = "3 7 8 10 11 12 15 17 18 19 20 21 22 23 1.1c 26 28 31 33 3.2a"
    assert numbers == set(wanted.split())
    wrong = [item.label for item in REPORT if item.expected == "refuted"]
    assert wrong == ["18", "19", "20, shape", "23, derivation", "1.1c, pre-activation", "1.1c, bias", "26", "28"]


def test_an_audit_is_no_operation() -> None:
    """The definitions that an audit makes for itself are not registered."""
    assert not any(name.startswith("report_") for name in definitions())


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("softmax", {"wrt": "x", "jacobian": "y[i]*(delta(i,j) - y[j])"}),
        ("softmax", {"wrt": "x", "jacobian": "exp(x[i])/sum[k](exp(x[k])) * (delta(i,j) - y[j])"}),
        ("softmax", {"wrt": "x[n,j]", "vjp": "y[n,j]*(g[n,j] - sum[k](g[n,k]*y[n,k]))"}),
        ("softmax", {"wrt": "x", "jacobian": "-y[i]*y[j]", "where": "i != j"}),
        ("relu", {"wrt": "x", "vjp": "g[i]*(x[i] > 0)"}),
        ("softmax_cross_entropy_labels", {"wrt": "x[n,d]", "vjp": "g*(p[n,d] - delta(label[n], d))/N"}),
        ("batch_norm", {"wrt": "beta", "vjp": "N*mean[s](g[s,i])"}),
        ("linear", {"wrt": "weight", "shape": "O x I"}),
    ],
)
def test_right_claims(operation: str, arguments: dict[str, str]) -> None:
    """Other forms of the same formula are proved too."""
    assert claim(operation, **arguments).audit().kind == "proved"


def test_a_wrong_claim_is_refuted_at_the_smallest_sizes() -> None:
    """The numbers really differ there, and the right formula comes in the claim's letters."""
    verdict = claim("softmax", wrt="x", jacobian="y[a]*(delta(a,b) + y[b])", of="y[a]").audit()
    assert verdict.kind == "ill-formed"  # b stands for nothing: the input's letter would be i
    verdict = claim("softmax", of="y[a]", wrt="x[b]", jacobian="y[a]*(delta(a,b) + y[b])").audit()
    assert verdict.kind == "refuted"
    found = verdict.counterexample
    assert found is not None
    assert [found.sizes[axis] for axis in found.sizes] == [1, 1]
    assert (found.claimed, found.true) == (2.0, 0.0)
    assert verdict.correct is not None
    assert verdict.program is not None
    assert text(verdict.correct, verdict.program, verdict.free) == "y[n,b] * (delta[a,b] - y[n,a])"


def test_a_factor_that_one_size_hides() -> None:
    """A missing 1/N is right at N = 1 only: the smallest counterexample has N = 2."""
    verdict = claim("softmax_cross_entropy", wrt="x[n,d]", vjp="g*(p[n,d] - t[n,d])").audit()
    assert verdict.kind == "refuted"
    assert verdict.counterexample is not None
    assert sorted(verdict.counterexample.sizes.values()) == [2, 2]


@pytest.mark.parametrize(
    ("operation", "arguments", "problem"),
    [
        ("softmax", {"wrt": "x", "jacobian": "q[i]"}, "unknown tensor q"),
        ("softmax", {"wrt": "x", "jacobian": "y[i]*z"}, "unknown name z"),
        ("softmax", {"wrt": "x", "jacobian": "y[k]"}, "the index k is neither given nor summed over"),
        ("softmax", {"wrt": "x", "jacobian": "y[i,j,i]"}, "y has 2 indices and is written with 3"),
        ("softmax", {"wrt": "q", "jacobian": "y[i]"}, "softmax has no gradient for q; it has one for x"),
        ("softmax", {"of": "e[i]", "wrt": "x", "jacobian": "y[i]"}, "the output of softmax is y, not e"),
        ("linear", {"of": "y[s,i]", "wrt": "bias[j]", "jacobian": "x[s,j]"}, "axes clash: j runs over o"),
        ("softmax", {"wrt": "x", "jacobian": "i*y[j]"}, "the index i is used as a number"),
        ("softmax", {"wrt": "x", "jacobian": "y[i]/0"}, "a division by zero"),
        ("softmax", {"wrt": "x", "jacobian": "sum[i](y[i])"}, "sum runs over i, which is taken"),
        ("softmax", {"wrt": "x", "jacobian": "foo(y[i])"}, "unknown function foo"),
        ("softmax", {"wrt": "x", "jacobian": "y[i]", "where": "i < j"}, "write 'i == j' or 'i != j'"),
        ("softmax", {"wrt": "x", "shape": "Q x D"}, "Q is no axis of softmax; its axes are D, N"),
        ("softmax", {"wrt": "x", "jacobian": "__import__('os').system('true')"}, "the character '"),
        ("softmax", {"wrt": "x", "jacobian": "(lambda: 0)()"}, "this cannot be called"),
        ("sotfmax", {"wrt": "x", "jacobian": "y[i]"}, "did you mean 'softmax'"),
    ],
)
def test_claims_that_say_nothing(operation: str, arguments: dict[str, str], problem: str) -> None:
    """Each is ill-formed for a reason that names what is wrong."""
    verdict = claim(operation, **arguments).audit()
    assert verdict.kind == "ill-formed"
    assert problem in verdict.reason


def test_exactly_one_formula() -> None:
    """A claim is about one thing."""
    with pytest.raises(DefinitionError, match="exactly one of jacobian=, vjp= and shape="):
        claim("softmax", wrt="x")


def test_files_of_claims(tmp_path: Path) -> None:
    """Claims are found alone and in lists; a file without any says what to write."""
    path = tmp_path / "mine.py"
    path.write_text("from gradlab.symbolic import claim\na = claim('relu', wrt='x', vjp='g[i]')\nmore = [a]\n")
    assert [item.name for item in claims(path)] == ["relu", "relu"]
    path.write_text("x = 1\n")
    with pytest.raises(DefinitionError, match=r"it claims nothing; assign at the top level: mine = claim\(\.\.\.\)"):
        claims(path)
