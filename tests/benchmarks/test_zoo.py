"""The zoo is what it says: the correct backwards are correct, the wrong ones wrong, judged without gradlab."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.zoo import CATEGORIES, HARD, MUTANTS, SUBJECTS, Mutant, Subject, Witness, half
from benchmarks.zoo.difference import observed
from benchmarks.zoo.sampling import Case, copies, defaults, dimensions, fits, legal, sample
from gradlab.operation import Domain

CORRECT = [*SUBJECTS, *HARD]
NOISY = {"fast_sine", "large_offset", "offset_then_scaled", "steep_tanh"}
"""Where even long double differences lose most of their digits."""


def by_name(subject: Subject | Mutant) -> str:
    """Test ids."""
    return subject.name


def differentiable(subject: Subject) -> list[int]:
    """Positions of the arguments that have a gradient."""
    return [
        k
        for k, name in enumerate(subject.names)
        if (subject.wrt is None or name in subject.wrt)
        and (name not in subject.domains or subject.domains[name].continuous)
    ]


def directional(subject: Subject, case: Case, direction: dict[int, Any], dtype: Any) -> tuple[float, float]:
    """Slope of <grad_output, forward> along a direction, by central differences and Richardson; and its error."""
    inputs = [v.astype(dtype) if v.dtype.kind == "f" else v for v in case.inputs]

    def value(step: Any) -> Any:
        moved = [v + step * direction[k].astype(dtype) if k in direction else v for k, v in enumerate(inputs)]
        output = np.asarray(subject.forward(*moved, **case.params))
        return (case.grad_output.astype(output.dtype) * output).sum(dtype=np.longdouble)

    h = np.longdouble(2.0**-10 if dtype is np.longdouble else 2.0**-8) * (1e-5 if "steep" in subject.name else 1)
    h = h * np.longdouble(2.0**-12) if subject.name == "fast_sine" else h
    slopes = [(value(dtype(h / 2**k)) - value(dtype(-h / 2**k))) / (2 * h / 2**k) for k in range(4)]
    rows = [slopes]
    for order in (4, 16, 64):
        rows.append([(order * b - a) / (order - 1) for a, b in zip(rows[-1], rows[-1][1:], strict=False)])
    size = np.abs(case.grad_output * np.asarray(subject.forward(*case.inputs, **case.params))).sum()
    noise = 64 * np.finfo(dtype).eps * size * 8 / h
    return float(rows[-1][0]), float(abs(rows[-1][0] - rows[-2][-1]) + noise + 1e-13 * size)


def gradients_of(subject: Subject, case: Case) -> list[Any]:
    """What the backward returns, one entry for each argument."""
    result = subject.backward(case.grad_output, *case.inputs, **case.params)
    return list(result) if isinstance(result, tuple | list) else [result]


def settings(subject: Subject) -> list[dict[str, Any]]:
    """The default parameters, and each other legal value once."""
    return [{}] + [{name: value} for name, values in subject.params.items() for value in values[1:]]


@pytest.mark.parametrize("subject", CORRECT, ids=by_name)
def test_agrees_with_differences(subject: Subject) -> None:
    """Along random directions and along single coordinates the slope is that of the forward in long double."""
    for k, params in enumerate(settings(subject)):
        case = sample(subject, Witness(params=params), seed=k)
        if not legal(subject, case):
            continue
        gradients = gradients_of(subject, case)
        assert len(gradients) == len(case.inputs)
        generator = np.random.default_rng(k)
        for position in range(len(gradients)):
            if position not in differentiable(subject):
                assert gradients[position] is None
                continue
            x = case.inputs[position]
            for trial in range(5):
                direction = generator.standard_normal(x.shape)
                if trial > 2 and x.size:
                    direction = np.zeros(x.size)
                    direction[generator.integers(x.size)] = 1
                direction = np.asarray(direction).reshape(x.shape)
                claimed = float((np.asarray(gradients[position]) * direction).sum())
                size = float(np.abs(np.asarray(gradients[position]) * direction).sum())
                assert_slope(subject, case, {position: direction}, claimed, size)


def assert_slope(subject: Subject, case: Case, direction: dict[int, Any], claimed: float, size: float) -> None:
    """In long double where the forward can, else in float64."""
    worst = []
    for dtype in (np.longdouble, np.float64):
        try:
            slope, error = directional(subject, case, direction, dtype)
        except TypeError:
            continue  # LAPACK takes no long double
        if abs(slope - claimed) <= 1e-9 * size + 4 * error + 1e-300 and error <= (
            1e-2 if subject.name in NOISY else 1e-8 * (1 + size)
        ):
            return
        worst.append((slope, claimed, error))
    pytest.fail(f"{subject.name}: slope, claimed, error {worst} at {case.dims} {case.params}")


def test_all_are_compared() -> None:
    """No ordinary operation is forgotten."""
    references = pytest.importorskip("benchmarks.zoo.torch_references", exc_type=ImportError)
    assert {subject.name for subject in SUBJECTS} == references.REFERENCES.keys() | references.WITHOUT


@pytest.mark.parametrize("subject", SUBJECTS, ids=by_name)
def test_agrees_with_torch(subject: Subject) -> None:
    """With the default parameters and with each other legal value."""
    torch = pytest.importorskip("torch")
    references = pytest.importorskip("benchmarks.zoo.torch_references", exc_type=ImportError)
    if subject.name in references.WITHOUT:
        return
    for seed, params in enumerate(settings(subject)):
        case = sample(subject, Witness(params=params), seed)
        if not legal(subject, case):
            continue
        if subject.name == "attention":
            case.inputs[3][:, 0] = True
        output = subject.forward(*case.inputs, **case.params)
        gradients = subject.backward(case.grad_output, *case.inputs, **case.params)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        leaves = [
            torch.tensor(value, requires_grad=g is not None) for value, g in zip(case.inputs, gradients, strict=True)
        ]
        expected = references.REFERENCES[subject.name](*leaves, **case.params)
        np.testing.assert_allclose(output, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
        wanted = [leaf for leaf in leaves if leaf.requires_grad]
        torch_gradients = torch.autograd.grad(expected, wanted, torch.tensor(case.grad_output))
        mine = [g for g in gradients if g is not None]
        for a, b in zip(mine, torch_gradients, strict=True):
            np.testing.assert_allclose(a, b.numpy(), rtol=1e-9, atol=1e-11)


def edges(subject: Subject) -> list[Witness]:
    """Sizes of 0 and 1, zeros, equal numbers, float32, other layouts."""
    dims = [name for name in dimensions(subject, {}) if name != "..."]
    result = [Witness(dims={name: size}) for name in dims for size in (0, 1)]
    if "..." in subject.signature:
        leads: list[Any] = [(), (0,), (1,), (2, 0, 3)]
        result += [Witness(dims={"...": lead}) for lead in leads]
    for value in (0.0, 1.0, -2.0, 1e8):
        result.append(Witness(fill={name: within(subject, name, value) for name in bounded(subject)}))
    layouts: tuple[Any, ...] = ("F", "negative", "strided", "expanded")
    result += [Witness(layout=layout) for layout in layouts]
    return [*result] + [Witness(dtype="float32")] * ("float32" in subject.dtypes)


def bounded(subject: Subject) -> list[str]:
    """Arguments that may take any value of an interval, closed or open."""
    kinds = ("real", "positive", "non_negative")
    return [n for n in subject.names if n not in subject.domains or subject.domains[n].kind in kinds]


def within(subject: Subject, name: str, value: float) -> float:
    """The nearest value that the domain allows."""
    domain = subject.domains.get(name, Domain("real"))
    least = 1e-3 if domain.kind == "positive" else domain.minimum
    return min(max(value, least), domain.maximum)


@pytest.mark.parametrize("subject", CORRECT, ids=by_name)
def test_keeps_the_contract_at_the_edges(subject: Subject) -> None:
    """Exact shapes and dtypes, nothing edited, nothing raised, finite where the output is, at every edge."""
    judged = 0
    for witness in edges(subject):
        if not fits(subject, dimensions(subject, witness.dims), defaults(subject)):
            continue
        try:
            case = sample(subject, witness)
        except ValueError:
            assert subject.name == "refuses_fortran_order"
            continue
        if not legal(subject, case):
            assert witness.layout == "expanded"  # one number everywhere sums to one in no simplex
            continue
        judged += 1
        before = copies([case.grad_output, *case.inputs])
        with np.errstate(all="ignore"):
            try:
                output = np.asarray(subject.forward(*case.inputs, **case.params))
            except ValueError:
                assert subject.name == "refuses_fortran_order"
                continue
            gradients = gradients_of(subject, case)
        for old, new in zip(before, [case.grad_output, *case.inputs], strict=True):
            np.testing.assert_array_equal(old, new)
        for k, (value, gradient) in enumerate(zip(case.inputs, gradients, strict=True)):
            if k not in differentiable(subject):
                assert gradient is None
                continue
            gradient = np.asarray(gradient)
            assert gradient.shape == value.shape, witness
            assert gradient.dtype == value.dtype, witness
            if np.isfinite(output).all():
                assert np.isfinite(gradient).all(), witness
            if output.size == 0:
                assert not gradient.any(), witness
    assert judged >= 3


@pytest.mark.parametrize("mutant", MUTANTS, ids=by_name)
def test_has_a_witness(mutant: Mutant) -> None:
    """Its witness is legal and shows a difference, with two seeds; the correct backward shows none."""
    assert observed(mutant, 0), mutant.name
    assert observed(mutant, 7), mutant.name
    right = Mutant(
        name=mutant.name,
        subject=mutant.subject,
        category=mutant.category,
        story="",
        make=lambda: (mutant.subject.forward, mutant.subject.backward),
        witness=mutant.witness,
    )
    assert observed(right, 0) is None


def test_size() -> None:
    """As large as the issue asks, in both halves and every category; names are unique and have a story."""
    assert len(SUBJECTS) >= 25
    assert len(MUTANTS) >= 240
    assert len(HARD) >= 70
    names = [animal.name for animal in (*CORRECT, *MUTANTS)]
    assert len(set(names)) == len(names)
    assert all(mutant.story for mutant in MUTANTS)
    assert all(subject.story for subject in HARD)
    counts = Counter((mutant.category, half(mutant.name)) for mutant in MUTANTS)
    assert set(counts) == {(category, side) for category in CATEGORIES for side in ("tune", "held_out")}
    assert {mutant.subject.name for mutant in MUTANTS} == {subject.name for subject in SUBJECTS}


def test_half_is_a_rule() -> None:
    """The halves are fixed by the name alone: these never move."""
    names = ("a", "b", "x", "y")
    assert [half(name) for name in names] == ["tune", "tune", "held_out", "held_out"]


def test_subjects_are_options_of_check() -> None:
    """Every subject can be handed to gradlab.check as it is."""
    for subject in CORRECT:
        assert set(subject.options()) <= {"names", "domains", "wrt", "dims", "where", "params", "broadcast", "dtypes"}
        assert len(subject.names) == subject.signature.partition("->")[0].count("(")
        assert set(subject.domains) <= set(subject.names)


def test_prints_a_table() -> None:
    """`python -m benchmarks.zoo` counts."""
    root = Path(__file__).parents[2]
    printed = subprocess.run(
        [sys.executable, "-m", "benchmarks.zoo"], capture_output=True, text=True, check=True, cwd=root
    )
    assert "all mutants" in printed.stdout
    assert str(len(MUTANTS)) in printed.stdout
