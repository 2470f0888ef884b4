"""Every rival's wrapper lets a right backward pass and an obviously wrong one fail, whatever its arguments are."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.animals import animals
from benchmarks.checkers import CHECKERS, examine
from benchmarks.checkers.outcome import Outcome
from benchmarks.checkers.pair import Pair
from benchmarks.zoo import SUBJECTS
from benchmarks.zoo.subject import Subject

ORDINARY = {subject.name: subject for subject in SUBJECTS}

# One argument, several, a mask, labels (and a 0-d output), indices, a broadcast one, keyword parameters.
KINDS = ("sigmoid", "linear", "attention", "svm_loss", "scatter_add", "scale_channels", "batch_norm", "conv2d")

RIVALS = [name for name, checker in CHECKERS.items() if checker.needs]


def verdict(checker: str, subject: Subject, correct: Subject, seed: int = 0) -> Outcome:
    """One check, in this process."""
    pytest.importorskip(CHECKERS[checker].needs or "numpy")
    from importlib import import_module

    entry = CHECKERS[checker]
    module = import_module(f"benchmarks.checkers.{entry.module}")
    outcome: Outcome = module.check(subject, correct, seed, **entry.options)
    return outcome


def doubled(subject: Subject) -> Subject:
    """A gross mistake: every gradient twice too large."""

    def backward(*args, **params):
        result = subject.backward(*args, **params)
        gradients = result if isinstance(result, tuple) else (result,)
        wrong = tuple(None if gradient is None else 2 * gradient for gradient in gradients)
        return wrong if isinstance(result, tuple) else wrong[0]

    return replace(subject, backward=backward)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("checker", RIVALS)
def test_right_passes_and_wrong_fails(checker: str, name: str) -> None:
    """Through each wrapper, and a wrong gradient is the reason, not an exception of the wrapper's."""
    subject = ORDINARY[name]
    right = verdict(checker, subject, subject)
    assert right.verdict == "pass", right.reason
    wrong = verdict(checker, doubled(subject), subject)
    assert wrong.verdict == "fail"
    assert wrong.reason.startswith(("GradcheckError: Jacobian mismatch", "AssertionError")), wrong.reason


@pytest.mark.parametrize("checker", RIVALS)
def test_exception_of_the_subject_counts(checker: str) -> None:
    """A backward that raises is found by every rival, for its user sees the exception."""

    def backward(grad_output, x):
        raise ZeroDivisionError("in the backward")

    wrong = verdict(checker, replace(ORDINARY["sigmoid"], backward=backward), ORDINARY["sigmoid"])
    assert wrong.verdict == "fail"
    assert "ZeroDivisionError" in wrong.reason or "CpuCallback" in wrong.reason


def test_without_gradient_nothing_applies() -> None:
    """A subject with no argument to differentiate is not counted for or against anybody."""
    subject = replace(ORDINARY["sigmoid"], wrt=())
    pair = Pair(subject, subject, 0)
    assert pair.judge(lambda: None).verdict == "not applicable"


def test_seed_changes_the_inputs() -> None:
    """Another seed is another case; the same seed is the same."""
    subject = ORDINARY["sigmoid"]
    first, again, other = (Pair(subject, subject, seed).inputs[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_state_starts_fresh() -> None:
    """Drawing the case calls the correct forward only: a mutant that counts its calls starts at none."""
    calls = []

    def forward(x):
        calls.append(x)
        return ORDINARY["sigmoid"].forward(x)

    Pair(replace(ORDINARY["sigmoid"], forward=forward), ORDINARY["sigmoid"], 0)
    assert not calls


@pytest.mark.parametrize("checker", ["quick", "default"])
def test_gradlab(checker: str) -> None:
    """gradlab behind the same interface, as a worker calls it: plain data, with a reason for a failure."""
    assert examine(checker, "relu", 0)["verdict"] == "pass"
    found = next(a.name for a in animals().values() if a.group == "formula" and a.half == "tune")
    failed = examine(checker, found, 0)
    assert failed["verdict"] == "fail"
    assert failed["reason"]
    assert failed["cpu"] >= 0
