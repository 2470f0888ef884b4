"""gradlab.torch.check: autograd Functions, modules and callables, right ones and ones with a planted fault."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import gradlab  # noqa: E402 - after the check that torch is there
import gradlab.torch  # noqa: E402
from gradlab.errors import SignatureError  # noqa: E402
from tests.torch import functions  # noqa: E402

SQUARE = "(n,d)->(n,d)"
LINEAR = "(n,i),(o,i),(o)->(n,o)"

# Each with the laws of which at least one must catch it.
FAULTS = [
    (functions.AbsoluteUpstream, SQUARE, {"linearity", "value"}),
    (functions.ViewedUpstream, SQUARE, {"contract", "layout"}),
    (functions.MemoryOrder, SQUARE, {"layout"}),
    (functions.ContiguousUpstream, SQUARE, {"expanded"}),
    (functions.Downcast, SQUARE, {"linearity", "value"}),
    (functions.EditsUpstream, SQUARE, {"purity"}),
    (functions.EditsSaved, SQUARE, {"retain_graph"}),
    (functions.SlightlyWrong, SQUARE, {"value"}),
    (functions.WrongNeeds, LINEAR, {"needs_input_grad"}),
    (functions.RaisingNeeds, LINEAR, {"needs_input_grad"}),
]

RIGHT: list[tuple[Any, str, dict[str, Any]]] = [
    (functions.Relu, "(...)->(...)", {}),
    (functions.Linear, LINEAR, {}),
    (functions.Scale, "(n)->(n)", {"params": {"factor": (2.0, -0.5)}}),
    (torch.nn.Linear(3, 2), "(n,3)->(n,2)", {}),
    (torch.nn.LayerNorm(4), "(...,4)->(...,4)", {}),
    (torch.nn.Conv2d(2, 3, 2), "(n,2,h,w)", {"dims": {"h": (2, 5), "w": (2, 5)}}),
    (torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh()), "(n,2)->(n,3)", {}),
    (torch.nn.BatchNorm1d(2), "(n,2)->(n,2)", {"dims": {"n": (2, None)}, "domains": {"input": gradlab.real(-9, 9)}}),
    (torch.tanh, "(n)->(n)", {"names": ("x",), "reference": lambda x: 2 * torch.sigmoid(2 * x) - 1}),
]


@pytest.mark.parametrize(("function", "signature", "laws"), FAULTS, ids=lambda value: getattr(value, "__name__", ""))
def test_fault_is_found(function: Any, signature: str, laws: set[str]) -> None:
    """A fault that people make fails the check, by a law that it breaks."""
    report = gradlab.torch.check(function, signature, profile="quick", seed=1)
    assert {finding.law for finding in report.failures} & laws, str(report)


@pytest.mark.parametrize(("function", "signature", "options"), RIGHT, ids=range(len(RIGHT)))
def test_right_passes(function: Any, signature: str, options: dict[str, Any]) -> None:
    """Custom Functions, torch's own modules and callables pass, every argument verified."""
    report = gradlab.torch.check(function, signature, profile="quick", seed=2, **options)
    assert report.verdict == "pass", str(report)


def test_parameters_are_arguments() -> None:
    """A module's parameters are checked under their own names, or left alone on request."""
    module = torch.nn.Sequential(torch.nn.Linear(2, 3))
    report = gradlab.torch.check(module, "(n,2)->(n,3)", profile="quick", seed=0)
    assert report.arguments == ("input", "0.weight", "0.bias")
    alone = gradlab.torch.check(module, "(n,2)->(n,3)", parameters=False, profile="quick", seed=0)
    assert alone.arguments == ("input",)
    assert alone.verdict == "pass"


def test_module_stays_as_it_was() -> None:
    """Checking changes neither running statistics nor parameters nor gradients."""
    module = torch.nn.BatchNorm1d(2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    gradlab.torch.check(module, "(n,2)->(n,2)", dims={"n": (2, 3)}, profile="quick", seed=0)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert module.weight.grad is None


def test_every_layout_of_upstream_arrives() -> None:
    """Non-contiguous and expanded upstream gradients reach the user's backward as they were placed."""
    functions.Strides.seen.clear()
    gradlab.torch.check(functions.Strides, "(4,3)->(4,3)", profile="quick", seed=0)
    seen = set(functions.Strides.seen)
    # C, F, first axis expanded, every axis expanded, a slice of a larger array.
    assert {(3, 1), (1, 4), (0, 1), (0, 0), (16, 2)} <= seen


def test_labels_have_no_gradient() -> None:
    """An argument of integers is handed over as such; law "contract" is content with None for it."""
    report = gradlab.torch.check(
        lambda x, k: x.gather(1, k[:, None])[:, 0],
        "(n,c),(n)->(n)",
        domains={"k": gradlab.labels("c")},
        profile="quick",
        seed=0,
    )
    assert report.verdict == "pass", str(report)


@pytest.mark.parametrize("function", [functions.Square, functions.Relu, functions.Linear])
def test_double_backward(function: Any) -> None:
    """order=2 differentiates the first-order gradient of every argument."""
    signature = LINEAR if function is functions.Linear else "(n)->(n)"
    report = gradlab.torch.check(function, signature, order=2, profile="quick", seed=0)
    assert report.verdict == "pass", str(report)
    assert any("second order: the gradient of x: passes as well" in note for note in report.notes)


def test_wrong_double_backward() -> None:
    """A first-order gradient that forgets how it depends on x is right, and wrong to differentiate."""
    assert gradlab.torch.check(functions.WrongSecond, "(n)->(n)", profile="quick", seed=0).verdict == "pass"
    report = gradlab.torch.check(functions.WrongSecond, "(n)->(n)", order=2, profile="quick", seed=0)
    assert [(finding.law, finding.argument) for finding in report.failures] == [("value", "x")]
    assert report.subject == "WrongSecond, second order: the gradient of x"
    shown = run_program(report.failures[0].reproduction).split()
    assert float(shown[-1]) == pytest.approx(2.0)


def test_once_differentiable() -> None:
    """order=2 says so where a Function declares to have no second derivative."""
    report = gradlab.torch.check(functions.OnceSquare, "(n)->(n)", order=2, profile="quick", seed=0)
    assert "marked with @once_differentiable" in report.failures[0].claim


def test_left_autograd() -> None:
    """A forward that detaches its output is told so."""
    report = gradlab.torch.check(lambda x: 2 * x.detach(), "(n)->(n)", profile="quick", seed=0)
    assert "the output does not require grad: forward leaves autograd" in report.failures[0].claim


def test_two_outputs() -> None:
    """One tensor is expected; the text says how to take it out of a tuple."""
    report = gradlab.torch.check(lambda x: (x, x), "(n)->(n)", profile="quick", seed=0)
    assert report.verdict == "inconclusive"
    assert "forward returns a tuple; one tensor is expected: check lambda *inputs: function(*inputs)[0]" in str(report)


def test_exclude() -> None:
    """A law of autograd is excluded by its name, with a reason that the report shows."""
    report = gradlab.torch.check(
        functions.ContiguousUpstream,
        SQUARE,
        exclude={"expanded": "always called with a contiguous gradient"},
        profile="quick",
        seed=0,
    )
    assert report.verdict == "pass", str(report)
    assert "excluded expanded: always called with a contiguous gradient" in str(report)


def run_program(program: str) -> str:
    """What the reproduction of a finding prints."""
    assert "gradlab" not in program
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    return printed.getvalue().replace("\n", " ")


def test_reproduction_of_a_law() -> None:
    """The program shows the two gradients that should be equal, without gradlab."""
    report = gradlab.torch.check(functions.WrongNeeds, LINEAR, profile="quick", seed=0)
    usual, here = run_program(report.failures[0].reproduction).split("here: ")
    assert usual.count("tensor") == 3
    assert here == "(None,) "


def test_reproduction_of_an_expanded_gradient() -> None:
    """The program expands the gradient itself."""
    report = gradlab.torch.check(functions.ContiguousUpstream, SQUARE, profile="quick", seed=0)
    assert "contiguous: " in run_program(report.failures[0].reproduction)


def test_verify_raises() -> None:
    """`verify` is `check` for a test."""
    with pytest.raises(gradlab.GradientError, match="SlightlyWrong: FAIL"):
        gradlab.torch.verify(functions.SlightlyWrong, SQUARE, profile="quick", seed=0)


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (3, {}, "3 cannot be checked; pass a torch.autograd.Function class, a module"),
        (torch.nn.Linear, {}, "<class 'torch.nn.modules.linear.Linear'> cannot be checked; pass a"),
        (torch.tanh, {"order": 3}, "order=3 is not supported; use 1 or 2"),
        (torch.tanh, {"devices": "cpu"}, "devices='cpu' is no tuple of devices; write devices=('cpu',)"),
        (torch.tanh, {"devices": ("cpux",)}, "devices: 'cpux' cannot be used here ("),
        (torch.tanh, {"names": "x"}, "names='x' is a string; write a tuple: names=('x',)"),
        (torch.tanh, {"exclude": {"expandd": "why"}}, "exclude: 'expandd' is not a law; did you mean 'expanded'?"),
        (torch.tanh, {"reference": 3}, "reference=3 cannot be called; pass a function of the same arguments"),
        (
            torch.nn.Tanh(),
            {"names": ("x", "y")},
            "names=('x', 'y') does not fit the signature '(n)->(n)' of 1 argument;",
        ),
    ],
)
def test_refused(function: Any, options: dict[str, Any], message: str) -> None:
    """Each message begins with what was given and ends with what to write instead."""
    with pytest.raises(SignatureError) as caught:
        gradlab.torch.check(function, "(n)->(n)", profile="quick", **options)
    assert str(caught.value).startswith(message)


def test_order_two_needs_the_output() -> None:
    """The second-order check needs the shape that the first upstream gradient has."""
    with pytest.raises(SignatureError, match=r"order=2 needs the shape of the output: write '\(n\)->\(\.\.\.\)'"):
        gradlab.torch.check(torch.tanh, "(n)", order=2, profile="quick", seed=0)


def test_without_torch() -> None:
    """One line with the pip command; gradlab itself imports without torch."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import gradlab\n"
        "try: gradlab.torch.check\n"
        "except gradlab.GradlabError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "torch is not installed (pip install 'gradlab[torch]')"


def test_light_import() -> None:
    """`import gradlab` loads no torch."""
    code = "import sys, gradlab, gradlab.adapters.layers; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_broadcast() -> None:
    """Leading dimensions that broadcast, with the double backward; a Function that averages one fails."""
    options = {"names": ("a", "b"), "broadcast": True, "profile": "quick", "seed": 0}
    report = gradlab.torch.check(torch.mul, "(...,d),(...,d)->(...,d)", order=2, **options)
    assert report.verdict == "pass", str(report)
    report = gradlab.torch.check(functions.AveragingAdd, "(...),(...)->(...)", **options)
    assert report.verdict == "fail"
