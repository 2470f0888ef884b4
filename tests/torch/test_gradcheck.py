"""gradlab.torch.gradcheck: torch's signature and results, and faults that torch's own lets pass."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.autograd.gradcheck import GradcheckError  # noqa: E402 - after the check that torch is there

import gradlab.torch  # noqa: E402
from tests.torch import functions  # noqa: E402


def drawn(*shape: int) -> torch.Tensor:
    """A leaf that requires grad, in float64, away from zero."""
    generator = torch.Generator().manual_seed(sum(shape))
    return (0.3 + torch.rand(*shape, generator=generator, dtype=torch.float64)).requires_grad_()


MISSED_BY_TORCH = [
    (functions.AbsoluteUpstream, 1),
    (functions.ViewedUpstream, 1),
    (functions.MemoryOrder, 1),
    (functions.ContiguousUpstream, 1),
    (functions.Downcast, 1),
    (functions.EditsUpstream, 1),
    (functions.SlightlyWrong, 1),
    (functions.WrongNeeds, 3),
    (functions.RaisingNeeds, 3),
]


@pytest.mark.parametrize(("function", "count"), MISSED_BY_TORCH, ids=lambda value: getattr(value, "__name__", ""))
def test_stricter(function: Any, count: int) -> None:
    """torch's gradcheck passes it, ours raises torch's own exception or returns False."""
    inputs = (drawn(2, 3), drawn(4, 3), drawn(4))[:count]
    assert torch.autograd.gradcheck(function.apply, inputs)
    with pytest.raises(
        GradcheckError, match=r"^output 0: torch.autograd.gradcheck passes, gradlab's laws do not\nfail"
    ):
        gradlab.torch.gradcheck(function.apply, inputs)
    assert gradlab.torch.gradcheck(function.apply, inputs, raise_exception=False) is False


RIGHT: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (functions.Square.apply, (drawn(2, 3),), {}),
    (functions.Relu.apply, (drawn(3),), {}),
    (functions.Linear.apply, (drawn(2, 3), drawn(4, 3), drawn(4)), {"fast_mode": True}),
    (functions.Scale.apply, (drawn(3), 3.0), {}),
    (torch.log, (drawn(5),), {"check_forward_ad": True, "check_batched_grad": True}),
    (lambda x: (x.sin(), x.argmax(), x.cos()), (drawn(4),), {}),
    (torch.frexp, (drawn(3),), {}),
    (lambda x, k: x[k] * 2, (drawn(4, 2), torch.tensor([0, 2])), {}),
    (torch.nn.functional.conv2d, (drawn(1, 1, 3, 3), drawn(2, 1, 2, 2)), {}),
    (torch.nn.Linear(3, 2).double(), (drawn(2, 3),), {}),
    (lambda x: x.detach().exp(), (drawn(2),), {}),
    (torch.sum, (drawn(3, 2).detach().t().requires_grad_(),), {}),
    (lambda x: (x * x).to_sparse(), (drawn(3),), {"masked": False}),
    (torch.abs, (drawn(2).to(torch.complex128).detach().requires_grad_(),), {}),
]


@pytest.mark.parametrize(("function", "inputs", "options"), RIGHT)
def test_right_passes(function: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
    """torch's result, or torch's exception, where there is no fault, with all its options and inputs."""
    try:
        theirs = torch.autograd.gradcheck(function, inputs, **options)
    except Exception as error:
        with pytest.raises(type(error)):
            gradlab.torch.gradcheck(function, inputs, **options)
    else:
        assert gradlab.torch.gradcheck(function, inputs, **options) is theirs


def test_torch_speaks_first() -> None:
    """What torch's gradcheck refuses is refused with torch's own message."""
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradlab.torch.gradcheck(lambda x: functions.Square.apply(x) + x.detach(), (drawn(2),))
    with pytest.raises(ValueError, match="at least one"):
        gradlab.torch.gradcheck(torch.sin, (torch.ones(2),))


def test_second_output() -> None:
    """The message says which output is wrong."""
    with pytest.raises(GradcheckError, match=r"^output 1: "):
        gradlab.torch.gradcheck(lambda x: (x.sin(), functions.SlightlyWrong.apply(x)), (drawn(3),))
