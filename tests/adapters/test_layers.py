"""gradlab.from_layer: layer objects, right ones, ones with faulty state, and objects that are no layers."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest

import gradlab
from gradlab.errors import SignatureError
from tests.adapters import layers

LINEAR = "(n,i),(o,i),(o)->(n,o)"
SCALE = "(n,d),(d)->(n,d)"

RIGHT: list[tuple[Any, str, dict[str, Any], dict[str, Any]]] = [
    (layers.Linear, LINEAR, {}, {}),
    (layers.Resettable, LINEAR, {}, {}),
    (layers.Relu, "(n,d)->(n,d)", {}, {}),
    (layers.Scale, SCALE, {"parameters": ("factor",)}, {}),
    (layers.OddlyNamed, SCALE, {"parameters": ("factor",), "gradients": {"factor": "delta"}}, {}),
    (layers.Add, "(n),(n)->(n)", {}, {"params": {"factor": (1.0, -2.0)}}),
    (lambda: layers.Linear(), "(3,i),(2,i),(2)->(3,2)", {"parameters": ("weight", "bias")}, {}),
]


@pytest.mark.parametrize(("factory", "signature", "options", "more"), RIGHT, ids=range(len(RIGHT)))
def test_right_passes(factory: Any, signature: str, options: dict[str, Any], more: dict[str, Any]) -> None:
    """Dictionaries, attributes, no parameters, several inputs: every gradient is found and verified."""
    report = gradlab.check(*gradlab.from_layer(factory, **options), signature, seed=0, profile="quick", **more)
    assert report.verdict == "pass", str(report)


FAULTS = [
    (layers.Accumulating, "repeatability", "weight"),
    (layers.StaleGrads, "repeatability", "weight"),
    (layers.StaleCache, "repeatability", "weight"),
    (layers.Frozen, "contract", "bias"),
    (layers.EditsCache, "purity", "saved"),
]


@pytest.mark.parametrize(("factory", "law", "argument"), FAULTS, ids=lambda value: getattr(value, "__name__", value))
def test_fault_is_found(factory: Any, law: str, argument: str) -> None:
    """Gradients that pile up, stay or are missing are findings of the law that they break, never a crash."""
    report = gradlab.check(
        *gradlab.from_layer(factory), LINEAR, names=("x", "weight", "bias"), dims={"n": (1, 4)}, seed=0, profile="quick"
    )
    assert (law, argument) in {(finding.law, finding.argument) for finding in report.failures}, str(report)
    assert {finding.law for finding in report.failures} == {law}, str(report)


def test_accumulation_is_told() -> None:
    """The claim shows that a second step on the same layer gives something else."""
    report = gradlab.check(
        *gradlab.from_layer(layers.Accumulating), LINEAR, names=("x", "weight", "bias"), seed=0, profile="quick"
    )
    assert "a second call with the same numbers gives " in str(report)


def test_reproduction_runs() -> None:
    """The program in a finding builds the layer, sets its parameters and prints its gradients."""
    report = gradlab.check(
        *gradlab.from_layer(layers.DoubledBias), LINEAR, names=("x", "weight", "bias"), seed=0, profile="quick"
    )
    program = report.failures[0].reproduction
    assert "gradlab" not in program
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    assert "central difference:" in printed.getvalue()


class _NoBackward:
    def forward(self, x: Any) -> Any:
        return x


class _ListOfParameters(layers.Relu):
    params = (1, 2)


@pytest.mark.parametrize(
    ("factory", "options", "message"),
    [
        (layers.Relu(), {}, "factory=<"),
        (int, {}, "factory() gives int, which has no method 'forward'; for two functions use gradlab.check(forward, "),
        (_NoBackward, {}, "factory() gives _NoBackward, which has no method 'backward'; for two functions use "),
        (lambda n: n, {}, "factory() raises TypeError: "),
        (_ListOfParameters, {}, "_ListOfParameters.params is a tuple; a dictionary is expected, or name attributes"),
        (layers.Linear, {"parameters": "weight"}, "parameters='weight' is a string; write a tuple: parameters=('wei"),
        (layers.Linear, {"parameters": ("w",)}, "parameters: 'w' is not in Linear.params; it has 'weight', 'bias'"),
        (layers.Scale, {"parameters": ("w",)}, "parameters: 'w' is not in Scale"),
        (layers.Linear, {"gradients": {"w": "dw"}}, "gradients: 'w' is not a parameter; known: weight, bias"),
    ],
)
def test_refused(factory: Any, options: dict[str, Any], message: str) -> None:
    """Each message begins with what was given and ends with what to write instead."""
    with pytest.raises(SignatureError) as caught:
        gradlab.from_layer(factory, **options)
    assert str(caught.value).startswith(message)


def test_too_few_arguments() -> None:
    """A signature without the parameters is met by a clear finding, not by a crash."""
    report = gradlab.check(*gradlab.from_layer(layers.Linear), "(n,i)->(n,o)", names=("x",), seed=0, profile="quick")
    assert report.verdict == "inconclusive"
    assert "1 input for a layer of 2 parameters (weight, bias)" in str(report)
