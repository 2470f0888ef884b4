"""gradlab.jax.check: custom_vjp functions and callables, right ones and ones with a planted fault."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gradlab
import gradlab.jax
from gradlab.errors import SignatureError
from tests.jax import functions

# One size compiles once for each dtype; sizes are drawn in the tests of right functions.
SQUARE = "(3)->(3)"

# Each with the laws of which at least one must catch it.
FAULTS = [
    ("wrong_factor", {"value"}),
    ("absolute_upstream", {"linearity", "value"}),
    ("one_gradient_too_many", {"contract"}),
    ("no_tuple", {"contract"}),
    ("wrong_shape", {"contract"}),
    ("downcast", {"contract"}),
    ("none_for_a_gradient", {"value"}),
    ("only_under_jit", {"jit"}),
    ("not_traceable_backward", {"contract"}),
    ("wrong_in_batches", {"vmap"}),
]

RIGHT: list[tuple[Any, str, dict[str, Any]]] = [
    (functions.linear, "(n,i),(o,i)->(n,o)", {"dtypes": ("float64",)}),
    (functions.gather, "(n,c),(n)->(n)", {"domains": {"k": gradlab.labels("c")}, "dims": {"c": 3, "n": (1, 2)}}),
    (functions.scale, "(2)->(2)", {"params": {"factor": (2.0, -0.5)}}),
    (jax.nn.softmax, "(2,3)->(2,3)", {"names": ("x",)}),
]


def check(function: Any, signature: str = SQUARE, **options: Any) -> gradlab.Report:
    """A quick check."""
    return gradlab.jax.check(function, signature, **{"profile": "quick", "seed": 1, **options})


@pytest.mark.parametrize(("name", "laws"), FAULTS, ids=[name for name, _ in FAULTS])
def test_fault_is_found(name: str, laws: set[str]) -> None:
    """A fault that people make fails the check, by a law that it breaks."""
    report = check(getattr(functions, name), dtypes=("float64",))
    assert {finding.law for finding in report.failures} & laws, str(report)


@pytest.mark.parametrize(("function", "signature", "options"), RIGHT, ids=["linear", "gather", "scale", "softmax"])
def test_right_passes(function: Any, signature: str, options: dict[str, Any]) -> None:
    """custom_vjp functions, jax's own and ones with parameters pass, every argument verified."""
    report = check(function, signature, **options)
    assert report.verdict == "pass", str(report)
    assert report.notes == ()


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        (
            "one_gradient_too_many",
            "backward raises TypeError: bwd returns PyTreeDef((*, *)) for 1 argument; return a tuple with one gradient "
            "for each, None where there is none",
        ),
        (
            "no_tuple",
            "backward raises TypeError: bwd returns PyTreeDef(*) for 1 argument; return a tuple with one gradient for "
            "each, None where there is none",
        ),
        (
            "wrong_shape",
            "backward raises ValueError: bwd's gradient 0 is float64[] for an argument that is float64[3]",
        ),
        ("downcast", "the gradient of x is float32 for float64 inputs; forward keeps the dtype"),
        ("not_traceable_backward", "backward raises TypeError: under jax.jit, backward asks for values of traced"),
    ],
)
def test_contract_says_what_is_wrong(name: str, claim: str) -> None:
    """What jax raises in several lines is one, with the remedy."""
    (found,) = check(getattr(functions, name), dtypes=("float64",)).failures
    assert (found.law, found.claim[: len(claim)]) == ("contract", claim)


def test_settings_stay_as_they_are() -> None:
    """float64 is on for the calls alone, which see it only in float64 cases, as users' own calls do."""
    seen = set()

    def spy(x: jax.Array) -> jax.Array:
        seen.add((str(x.dtype), str(jnp.ones(1).dtype)))
        return 2 * x

    before = jax.config.jax_enable_x64, jnp.ones(1).dtype
    assert check(spy).verdict == "pass"
    assert seen == {("float32", "float32"), ("float64", "float64")}
    assert (jax.config.jax_enable_x64, jnp.ones(1).dtype) == before


def test_not_traceable() -> None:
    """A forward with branches on values is checked without jax.jit, and the report says so."""
    report = check(functions.branches, dtypes=("float64",))
    assert report.verdict == "pass", str(report)
    assert report.notes[0].startswith("checked without jax.jit, which cannot trace it: TracerBoolConversionError: ")


def test_exclude() -> None:
    """A law of jax's is excluded by its name, with a reason that the report shows."""
    report = check(functions.wrong_in_batches, exclude={"vmap": "never batched"}, dtypes=("float64",))
    assert report.verdict == "pass", str(report)
    assert "excluded vmap: never batched" in str(report)


def test_reference() -> None:
    """A reference in jax is differentiated by jax; one of NumPy by differences; one that disagrees is told."""
    options: dict[str, Any] = {"dtypes": ("float64",), "domains": {"x": gradlab.real(-3, 3)}}
    report = check(functions.square, reference=lambda x: jnp.exp(jnp.log(jnp.abs(x)) * 2), **options)
    assert "jax autodiff" in report.oracles("x")
    report = check(functions.square, reference=lambda x: np.power(np.asarray(x), 2), **options)
    assert report.verdict == "pass", str(report)
    report = check(functions.square, reference=lambda x: x**3, **options)
    assert "primal" in {finding.law for finding in report.failures}, str(report)


def test_second_order() -> None:
    """A first-order gradient that forgets how it depends on x is right, and wrong to differentiate."""
    options: dict[str, Any] = {"dtypes": ("float64",), "order": 2}
    report = check(functions.square, **options)
    assert report.verdict == "pass", str(report)
    assert "square, second order: the gradient of x: passes as well, 10 cases" in report.notes
    report = check(functions.detached_second, **options)
    assert ("value", "x") in {(finding.law, finding.argument) for finding in report.failures}
    assert report.subject == "detached_second, second order: the gradient of x"


def run_program(program: str) -> str:
    """What the reproduction of a finding prints; it is pasted where the function is at hand."""
    assert "gradlab" not in program
    before, printed = jax.config.jax_enable_x64, io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(program, {})
    finally:
        jax.config.update("jax_enable_x64", before)
    return printed.getvalue()


@pytest.mark.parametrize(
    ("name", "expected"), [("only_under_jit", "under jax.jit"), ("wrong_in_batches", "in a batch")]
)
def test_reproduction_of_a_law(name: str, expected: str) -> None:
    """The program shows the gradients that should be equal, without gradlab."""
    report = check(getattr(functions, name), dtypes=("float64",))
    source = report.failures[0].reproduction
    comment = next(line for line in source.splitlines() if line.startswith("# paste your call here"))
    printed = run_program(source.replace(comment, f"from tests.jax.functions import {name} as call"))
    assert expected in printed


def test_reproduction_of_a_value() -> None:
    """So does that of the engine, which runs under jax.jit as the check did."""
    report = check(functions.detached_second, dtypes=("float64",), order=2)
    assert "central difference: 2.0" in run_program(report.failures[0].reproduction)


def test_verify_raises() -> None:
    """`verify` is `check` for a test."""
    with pytest.raises(gradlab.GradientError, match="square: FAIL"):
        gradlab.jax.verify(functions.wrong_factor, SQUARE, dtypes=("float64",), profile="quick", seed=0)


@jax.custom_vjp
def ruleless(x: Any) -> Any:
    """Its author forgot defvjp."""
    return x


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (3, {}, "3 cannot be checked; pass a jax.custom_vjp function or another function of jax arrays"),
        (ruleless, {}, "ruleless: a custom_vjp without rules; call ruleless.defvjp(fwd, bwd)"),
        (jnp.tanh, {"order": 3}, "order=3 is not supported; use 1 or 2"),
        (jnp.tanh, {"names": "x"}, "names='x' is a string; write a tuple: names=('x',)"),
        (jnp.tanh, {"exclude": {"jti": "why"}}, "exclude: 'jti' is not a law; did you mean 'jit'?"),
        (jnp.tanh, {"reference": 3}, "reference=3 cannot be called; pass a function of the same arguments"),
    ],
)
def test_refused(function: Any, options: dict[str, Any], message: str) -> None:
    """Each message begins with what was given and ends with what to write instead."""
    with pytest.raises(SignatureError) as caught:
        check(function, **options)
    assert str(caught.value).startswith(message)


def test_order_two_needs_the_output() -> None:
    """The second-order check needs the shape that the first upstream gradient has."""
    with pytest.raises(SignatureError, match=r"order=2 needs the shape of the output: write '\(3\)->\(\.\.\.\)'"):
        check(functions.square, "(3)", order=2, dtypes=("float64",))


def test_several_outputs() -> None:
    """One array is expected; the text says how to take it out of a tuple."""
    report = check(lambda x: (x, x))
    assert report.verdict == "inconclusive"
    assert "forward returns a tuple; one jax array is expected: check lambda *inputs: function(*" in str(report)


def test_without_jax() -> None:
    """One line with the pip command; gradlab itself imports without jax, and the door without loading torch."""
    code = (
        "import sys; sys.modules['jax'] = None\n"
        "import gradlab\n"
        "try: gradlab.jax.check\n"
        "except gradlab.GradlabError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "jax is not installed (pip install 'gradlab[jax]')"
    code = "import sys, gradlab.jax; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
