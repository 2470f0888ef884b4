"""Functions that do not do what the signature says: each is a clear error or a finding, never a traceback."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.errors import SignatureError


def triple(x: Any) -> Any:
    """3 x."""
    return 3 * x


def back(grad_output: Any, x: Any) -> Any:
    """Its gradient."""
    return 3 * grad_output


class Layer:
    """x * x, which keeps its input for the backward."""

    def forward(self, x: Any) -> Any:
        self.x = x
        return x * x

    def backward(self, grad_output: Any) -> Any:
        return 2 * self.x * grad_output


class Parametric(Layer):
    """The same with a parameter that nobody would check."""

    def __init__(self) -> None:
        self.params = {"weight": np.ones(1)}


def check(forward: Any = triple, backward: Any = back, signature: Any = "(n)->(n)", **options: Any) -> gradlab.Report:
    """A quick check."""
    return gradlab.check(forward, backward, signature, profile="quick", **{"seed": 0, **options})


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"signature": "(n..)->(n)"}, "a dimension is a name or a number\n  (n..)->(n)\n    ^"),
    ({"signature": "(n)(m)->(n)"}, "write it like '(n,i),(o,i)->(n,o)'\n  (n)(m)->(n)\n     ^"),
    ({"signature": "(n , m->(n)"}, "\n  (n , m->(n)\n        ^"),
    ({"signature": 3}, "signature=3 is not a text; write shapes like '(n,i),(o,i)->(n,o)'"),
    ({"forward": lambda x, y: x}, "forward(x, y) cannot be called as forward(x), as the signature '(n)->(n)' wants it"),
    ({"backward": lambda g: 3 * g}, "backward(g) cannot be called as backward(grad_output, x), with all inputs"),
    ({"params": {"eps": (1.0,)}}, "forward(x) cannot be called as forward(x, eps=...), as the signature"),
    ({"forward": Layer, "backward": Layer}, "is a layer and no function; use gradlab.check(*gradlab.from_layer(Layer)"),
    (
        {"forward": Layer(), "backward": Layer()},
        "use gradlab.check(*gradlab.from_layer(lambda: Layer(...)), signature)",
    ),
    ({"forward": dict}, "forward=<class 'dict'> is a class; pass a function"),
    (
        {"forward": Parametric().forward, "backward": lambda g: g, "signature": "(n),(n)->(n)"},
        "forward(x) cannot be called as forward(x0, x1)",
    ),
    ({"where": 3}, "where=3 cannot be called; pass lambda sizes, params:"),
    ({"where": lambda sizes, params: sizes["k"] > 0}, "raises KeyError: 'k'; it takes two dictionaries"),
    ({"where": lambda sizes, params: np.ones(2)}, "raises ValueError: The truth value of an array"),
    ({"dims": ["n"]}, "dims=['n'] is not a dictionary; write {'n': (1, 8)}"),
    ({"dims": {"n": (1.5, 3)}}, "dims['n']=(1.5, 3) is not a range; write (lowest, highest) or (lowest, None)"),
    ({"dims": {"n": None}}, "dims['n']=None is not a range"),
    ({"dims": {"n": (10**12, None)}}, "an input of shape (1000000000000,) is too large to check; lower the sizes"),
    ({"domains": [gradlab.real()]}, "is not a dictionary; write {'x': gradlab.real(-3, 3)}"),
    ({"domains": {"y": gradlab.real()}, "names": ("x",)}, "domains: 'y' is not an argument; known: x"),
    ({"dims": {"m": (1, 2)}, "signature": "(nn)->(nn)"}, "dims: 'm' is not a dimension of '(nn)->(nn)'; known: nn"),
    ({"params": ["eps"]}, "params=['eps'] is not a dictionary; write {'eps': (1e-5, 1e-3)}"),
    ({"params": {"x": (1.0,)}}, "params: 'x' is an argument of the signature; a parameter needs its own name"),
    ({"params": {"eps": (float("nan"),)}}, "params['eps'] holds nan, from which no gradient can come; leave it out"),
    ({"params": {"eps": gradlab.real()}}, "has no two ends; write gradlab.real(1e-6, 1e-2) or a tuple"),
    ({"dtypes": ("flaot64",)}, "dtypes: 'flaot64' is not a supported dtype; did you mean 'float64'?"),
    ({"dtypes": None}, "dtypes=None is not a tuple; write dtypes=('float64', 'float32')"),
    ({"names": (3,)}, "names=(3,) does not fit the signature"),
    ({"names": ("grad_output",)}, "'grad_output' is what reports call the upstream gradient; choose another"),
    ({"wrt": 3}, "wrt=3 is not a tuple of names; write wrt=('x',)"),
    ({"seed": -1}, "seed=-1 is not a seed; write a whole number from 0 upward, or leave it out"),
    ({"reference": lambda x: 1 / 0}, "reference raises ZeroDivisionError: division by zero in every case"),
    ({"reference": lambda x, y: x}, "reference(x, y) cannot be called as reference(x)"),
    ({"reference": lambda x: "a"}, "reference returns <U1 for '(n)->(n)'; one real array is expected"),
]


@pytest.mark.parametrize(("options", "message"), ERRORS, ids=range(len(ERRORS)))
def test_refused_before_anything_is_judged(options: dict[str, Any], message: str) -> None:
    """The value, then the remedy."""
    with pytest.raises(SignatureError) as caught:
        check(**options)
    assert message in str(caught.value)


FINDINGS: list[tuple[dict[str, Any], str]] = [
    ({"forward": lambda x: x.sum()}, "forward returns shape (); the signature promises"),
    ({"forward": lambda x: x * 1j}, "forward returns complex128 numbers; a real array is expected"),
    ({"forward": lambda x: np.zeros(x.shape, int)}, "forward returns int64 for float64 inputs; a floating-point"),
    ({"forward": lambda x: (x, x)}, "forward returns a tuple; one array is expected, and for (output, cache) see"),
    ({"forward": lambda x: None}, "forward returns nothing (None); an array is expected"),
    ({"forward": lambda x: list(x)}, "forward returns a list; an array is expected"),
    ({"forward": lambda x: (v for v in x)}, "forward returns a generator; an array is expected"),
    ({"forward": lambda x: x.astype(object)}, "forward returns object numbers; a real array is expected"),
    ({"backward": lambda g, x: (g, g)}, "backward returns 2 gradients for 1 arguments"),
    ({"backward": lambda g, x: (3 * g).tolist()}, "backward returns a list of numbers; a tuple with one array"),
    ({"backward": lambda g, x: ([1, [2, 3]],)}, "the gradient of x is a list; an array is expected"),
    ({"backward": lambda g, x: 3}, "the gradient of x is an int; an array is expected"),
    ({"backward": lambda g, x: 3.0}, "the gradient of x has shape (); the argument has"),
    ({"backward": lambda g, x: "3 g"}, "the gradient of x is a str; an array is expected"),
    ({"backward": lambda g, x: {"x": g}}, "the gradient of x is a dict; an array is expected"),
    ({"backward": lambda g, x: (3 * g).astype(object)}, "the gradient of x is object for float64 inputs"),
    ({"backward": lambda g, x: 3 * g + 0j}, "the gradient of x is complex128 for float64 inputs"),
    ({"backward": lambda g, x: lambda: g}, "the gradient of x is a function; an array is expected"),
    ({"reference": lambda x: 4 * x}, "where the reference (reference) gives"),
    ({"reference": lambda x: (3 * x,)}, "the reference (reference) (1,"),
]


@pytest.mark.parametrize(("options", "claim"), FINDINGS, ids=range(len(FINDINGS)))
def test_found(options: dict[str, Any], claim: str) -> None:
    """What the functions return is a finding with the value and what is expected."""
    report = check(**options)
    assert report.verdict == "fail"
    assert claim in str(report), str(report)


def test_a_forward_that_refuses_everything() -> None:
    """It may have its reasons: nothing was verified, and the report says why."""
    report = check(lambda x: 1 / 0)
    assert report.verdict == "inconclusive"
    assert report.reasons == ("x was not verified: forward raises ZeroDivisionError: division by zero",)


def test_torch_is_sent_to_its_door() -> None:
    """Functions, modules and results of torch."""
    torch = pytest.importorskip("torch")
    for function in (torch.tanh, torch.nn.Linear(2, 2), torch.autograd.Function):
        with pytest.raises(SignatureError, match=r"belongs to torch; use gradlab\.torch\.check\(function, signature\)"):
            check(function)
    for options in ({"forward": lambda x: torch.ones(2)}, {"backward": lambda g, x: torch.ones(2, requires_grad=True)}):
        report = check(**options)
        assert "a Tensor of torch; gradlab.torch.check takes such functions" in str(report)


def test_methods_of_one_object() -> None:
    """`layer.forward, layer.backward` with a backward of grad_output alone is checked as `from_layer` would."""
    layer = Layer()
    assert check(layer.forward, layer.backward).verdict == "pass"
    assert not hasattr(layer, "x"), "copies are examined, the object itself is left alone"

    class Wrong(Layer):
        def backward(self, grad_output):
            return self.x * grad_output

    wrong = Wrong()
    assert [finding.law for finding in check(wrong.forward, wrong.backward).failures] == ["value"]


def test_methods_of_a_layer_with_parameters() -> None:
    """Their gradients would go unchecked, so the door that takes them is named."""
    layer = Parametric()
    with pytest.raises(SignatureError, match=r"keeps parameters \(weight\), whose gradients this would leave out; use"):
        check(layer.forward, layer.backward)


def test_range_of_a_parameter() -> None:
    """A domain stands for its middle, its ends and what lies between; geometrically where it is positive."""
    report = gradlab.check(
        lambda x, eps: eps * x,
        lambda g, x, eps: eps * g,
        "(n)->(n)",
        names=("x",),
        params={"eps": gradlab.real(1e-6, 1e-2)},
        profile="quick",
        seed=0,
    )
    assert report.verdict == "pass", str(report)
    np.testing.assert_allclose(report.specification.params["eps"], [1e-4, 1e-6, 1e-2, 1e-5, 1e-3])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: gradlab.real("a"), "real: 'a' is not a number"),
        (lambda: gradlab.real(float("nan")), "real: a bound is nan; leave it out for no bound"),
        (lambda: gradlab.labels(3), "labels(3): write the name of a dimension, as in labels('c')"),
        (lambda: gradlab.integers(0.5, 2), "integers(0.5, 2): both bounds are whole numbers"),
    ],
    ids=range(4),
)
def test_domains(build: Any, message: str) -> None:
    """A domain that makes no sense is refused where it is built."""
    with pytest.raises(SignatureError) as caught:
        build()
    assert str(caught.value) == message


def test_an_output_that_is_always_empty() -> None:
    """Zeros are then the whole truth, and are verified; anything else fails."""
    for factor, verdict in ((0, "pass"), (1, "fail")):
        report = check(
            lambda x: x[:, :0], lambda g, x, factor=factor: factor * np.ones_like(x), "(n,d)->(n,0)", names=("x",)
        )
        assert report.verdict == verdict, str(report)
