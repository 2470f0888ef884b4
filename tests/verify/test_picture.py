"""The data of a finding's charts: right where the oracles are, bounded, plain, and absent unless asked for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.adapters.functions import from_functions
from gradlab.verify import picture as pictures
from gradlab.verify.calls import Caller
from gradlab.verify.case import build
from gradlab.verify.plan import round_of_plans
from gradlab.verify.specification import specify
from gradlab.verify.violation import Violation
from tests.verify import course


def drawn(
    forward: Callable[..., Any], backward: Callable[..., Any], signature: str, **options: Any
) -> dict[str, dict[str, Any] | None]:
    """The picture of each failure, by law."""
    options = {"seed": 3, "profile": "quick", **options}
    report = gradlab.check(forward, backward, signature, pictures=True, **options)
    assert report.verdict == "fail", str(report)
    # Nothing but what JSON can hold.
    return {f.law: json.loads(json.dumps(f.as_dict(), allow_nan=False))["picture"] for f in report.failures}


def tanh_layer(x: Any, weight: Any) -> Any:
    """A layer with two gradients."""
    return np.tanh(x @ weight.T)


def one_row_wrong(grad_output: Any, x: Any, weight: Any) -> Any:
    """Right, but for row 1 of the gradient of weight."""
    inner = grad_output * (1 - tanh_layer(x, weight) ** 2)
    grad_weight = inner.T @ x
    grad_weight[1:2] *= 1.5
    return inner @ weight, grad_weight


def test_map_of_one_wrong_row() -> None:
    """Exactly the wrong elements are marked, and both answers are the ones that NumPy gives."""
    picture = drawn(tanh_layer, one_row_wrong, "(n,i),(o,i)->(n,o)")["value"]
    assert picture is not None
    data, case = picture["map"], picture["case"]
    assert case["kind"] == "generic"
    assert data["shape"] == [case["sizes"]["o"], case["sizes"]["i"]]
    wrong = np.reshape(data["wrong"], data["shape"])
    assert wrong[1].all()
    assert not np.delete(wrong, 1, axis=0).any()
    backward, true = (np.reshape(data[name], data["shape"]) for name in ("backward", "true"))
    np.testing.assert_allclose(backward[1], 1.5 * true[1], rtol=1e-9)
    np.testing.assert_allclose(np.delete(backward, 1, 0), np.delete(true, 1, 0), rtol=1e-9)


def test_steps() -> None:
    """The V: large steps and small ones are bad, the best is millions of times nearer than backward ever is."""
    picture = drawn(np.sinh, lambda grad_output, x: 2 * grad_output * np.cosh(x), "(n)->(n)", names=("x",),
                    domains={"x": gradlab.real(-3, 3)})["value"]  # fmt: skip
    assert picture is not None
    steps = picture["steps"]
    curve = steps["curves"]["float64"]
    assert steps["step"][0] == 0.1
    assert len(curve) == len(steps["step"])
    assert 40 <= len(curve) <= 50
    assert steps["step"][-1] == pytest.approx(1e-16)
    assert curve[0] > 1e3 * min(curve) < 1e-3 * curve[-1]
    assert min(curve) < 1e-6 * steps["miss"]
    assert steps["miss"] == pytest.approx(abs(steps["true"]), rel=1e-9)  # twice too large: off by the value itself
    assert steps["bound"] < min(curve)


@pytest.mark.parametrize("factor", [2.0, -1.0, 1 + 1e-4])
def test_slopes(factor: float) -> None:
    """The Taylor remainder falls with h squared for the true gradient and with h for any other."""
    picture = drawn(np.sinh, lambda grad_output, x: factor * grad_output * np.cosh(x), "(n)->(n)", names=("x",),
                    domains={"x": gradlab.real(-3, 3)})["value"]  # fmt: skip
    assert picture is not None
    assert picture["taylor"]["true slope"] == pytest.approx(2, abs=0.02)
    assert picture["taylor"]["backward slope"] == pytest.approx(1, abs=0.02)


def test_linear_forward_has_no_slope() -> None:
    """There the true remainder is rounding alone: no number is made up."""
    picture = drawn(lambda x: 3 * x, lambda grad_output, x: 2 * grad_output, "(n)->(n)", names=("x",))["value"]
    assert picture is not None
    assert picture["taylor"]["true slope"] is None
    assert picture["taylor"]["backward slope"] == pytest.approx(1, abs=0.01)


def test_nan_gradient() -> None:
    """What is no number is said in words: no miss, no slope, and the elements are wrong all the same."""
    picture = drawn(
        lambda x: x**3, lambda grad_output, x: np.where(x > 1, np.nan, 3 * grad_output * x**2), "(n)->(n)", names=("x",)
    )["stability"]
    assert picture is not None
    assert picture["taylor"] is None
    assert picture["steps"]["backward"] == "nan"
    assert {b for b, wrong in zip(picture["map"]["backward"], picture["map"]["wrong"], strict=True) if wrong} == {"nan"}


def test_a_case_that_shows_it() -> None:
    """A bug that ordinary cases do not meet is drawn for the case that met it."""

    def backward(grad_output: Any, x: Any) -> Any:
        gradient = 2 * grad_output * x
        gradient[99:100] = 0
        return gradient

    report = gradlab.check(course.square, backward, "(n)->(n)", seed=3, pictures=True)
    (picture,) = [finding.picture for finding in report.failures]
    assert picture is not None
    assert picture["case"]["kind"] in ("found", "shrunk")
    assert np.flatnonzero(picture["map"]["wrong"]).tolist() == [99]
    assert len(picture["map"]["wrong"]) <= pictures.LARGEST


def test_right_at_a_kink() -> None:
    """An answer between the slopes at a kink is not marked, though it is no central difference."""

    def backward(grad_output: Any, x: Any) -> Any:
        return grad_output * (x > 0) * np.where((x == 0).any(), x.dtype.type(1.5), x.dtype.type(1))

    picture = drawn(lambda x: np.maximum(x, 0), backward, "(n)->(n)", names=("x",), seed=4)["value"]
    assert picture is not None
    assert picture["case"]["kind"] == "found"
    triples = list(zip(*(picture["map"][name] for name in ("backward", "true", "wrong")), strict=True))
    assert all(wrong == (answer != 0) for answer, _, wrong in triples)
    assert any(answer == 0 and true != 0 for answer, true, _ in triples)


def test_nothing_to_draw() -> None:
    """A broken contract has no numbers to compare, nor has a forward that overflows."""
    assert drawn(course.square, lambda grad_output, x: [1, 2], "(n)->(n)")["contract"] is None
    found = drawn(lambda x: np.log(np.exp(x)), lambda grad_output, x: grad_output * 1.0, "(n)->(n)", names=("x",))
    assert found["stability"] is None


def test_too_slow_to_draw() -> None:
    """A forward that takes its time is explained without hundreds of further calls."""
    pause, calls = 0.0, []

    def forward(x: Any) -> Any:
        calls.append(1)
        time.sleep(pause)
        return x * x

    specification = specify("(n)->(n)", names=("x",))
    case = build(round_of_plans(specification, (3,))[0], specification)
    caller = Caller(from_functions(forward, course.doubled))
    violation = Violation("value", "x", "")
    assert pictures.picture(violation, case, case, specification, caller, 3) is not None
    assert len(calls) > 100
    calls.clear()
    pause = 0.006
    assert pictures.picture(violation, case, case, specification, caller, 3) is None
    assert len(calls) < 40


def test_not_asked_for() -> None:
    """Without `pictures=True` there is none; with it, backward is called a few times more."""
    calls = []

    def counted(grad_output: Any, x: Any) -> Any:
        calls.append(1)
        return course.doubled(grad_output, x)

    report = gradlab.check(course.square, counted, "(n)->(n)", seed=3, profile="quick")
    plain = len(calls)
    assert [finding.picture for finding in report.findings] == [None]
    gradlab.check(course.square, counted, "(n)->(n)", seed=3, profile="quick", pictures=True)
    assert plain < len(calls) - plain <= plain + 5


def test_the_same_seed_draws_the_same() -> None:
    """A picture is part of the report that a seed repeats."""
    first, second = (drawn(tanh_layer, one_row_wrong, "(n,i),(o,i)->(n,o)") for _ in range(2))
    assert first == second


def test_torch() -> None:
    """`gradlab.torch.check` draws as well."""
    torch = pytest.importorskip("torch")
    import gradlab.torch

    class Cube(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, grad_output):
            (x,) = ctx.saved_tensors
            return grad_output * x**2

    report = gradlab.torch.check(Cube, "(n)->(n)", profile="quick", seed=3, pictures=True)
    assert report.failures[0].picture is not None
