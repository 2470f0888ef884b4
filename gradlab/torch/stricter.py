"""`gradcheck` with torch's own arguments: torch's check first, then gradlab's laws at the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd.gradcheck import GradcheckError

from gradlab.adapters.torch_kernels import one_thread
from gradlab.operation import Argument, Signature, real
from gradlab.torch.autograd import Autograd
from gradlab.torch.examination import judged as torch_judged
from gradlab.torch.laws import TORCH_LAWS
from gradlab.torch.tensors import as_array
from gradlab.verify.calls import Caller, quiet
from gradlab.verify.case import Case
from gradlab.verify.examination import judged
from gradlab.verify.layouts import LAYOUTS
from gradlab.verify.plan import UPSTREAMS
from gradlab.verify.report import Finding
from gradlab.verify.specification import Specification
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

_SUPPORTED = (torch.float64, torch.float32)
_SHOWN = 3

# Two calls need not give the same numbers then: only laws that compare with an oracle are left.
_NONDETERMINISTIC = dict.fromkeys(
    ("repeatability", "layout", "linearity", *TORCH_LAWS), "nondet_tol allows numbers that change from call to call"
)


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """`torch.autograd.gradcheck`, made stricter: what passes here passes there, not the other way round.

    After torch's own check, every real output is checked again at the given inputs with signed, huge, tiny, sparse and
    zero upstream gradients in every memory layout, expanded ones included: gradlab's laws, with a derived tolerance
    instead of `atol` and `rtol`. Only strided float64 and float32 inputs and outputs are; others are torch's alone.

    Returns True, or raises `torch.autograd.gradcheck.GradcheckError`; with `raise_exception=False` it returns False.

    >>> import torch, gradlab.torch
    >>> x = torch.linspace(-1, 1, 4, dtype=torch.float64, requires_grad=True)
    >>> gradlab.torch.gradcheck(torch.sin, (x,))
    True
    """
    passed = torch.autograd.gradcheck(
        func,
        inputs,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad,
        check_backward_ad=check_backward_ad,
        fast_mode=fast_mode,
        masked=masked,
    )
    if not passed or not check_backward_ad:
        return passed
    given = (inputs,) if isinstance(inputs, torch.Tensor) else tuple(inputs)
    with one_thread():
        for output in _outputs(func, given):
            failures = _failures(func, given, output, dict(_NONDETERMINISTIC) if nondet_tol > 0 else {})
            if failures and raise_exception:
                raise GradcheckError(_message(output, failures))
            if failures:
                return False
    return True


def _message(output: int, failures: Sequence[Finding]) -> str:
    head = f"output {output}: torch.autograd.gradcheck passes, gradlab's laws do not"
    return "\n".join((head, *(str(finding) for finding in failures)))


def _checked(tensor: Any) -> bool:
    return (
        isinstance(tensor, torch.Tensor)
        and tensor.requires_grad
        and tensor.layout == torch.strided
        and tensor.dtype in _SUPPORTED
    )


def _outputs(func: Callable[..., Any], given: Sequence[Any]) -> list[int]:
    """Positions of the outputs that our laws can judge; none where some input is beyond them."""
    wanted = [tensor for tensor in given if isinstance(tensor, torch.Tensor) and tensor.requires_grad]
    if not all(map(_checked, wanted)) or len({tensor.device for tensor in wanted}) != 1:
        return []
    return [k for k, output in enumerate(_listed(func(*given))) if _checked(output)]


def _listed(returned: Any) -> tuple[Any, ...]:
    return (returned,) if isinstance(returned, torch.Tensor) else tuple(returned)


def _failures(func: Callable[..., Any], given: Sequence[Any], output: int, exclude: dict[str, str]) -> list[Finding]:
    positions = [k for k, value in enumerate(given) if isinstance(value, torch.Tensor) and value.requires_grad]
    dtype = "float32" if any(given[k].dtype == torch.float32 for k in positions) else "float64"

    def call(*leaves: torch.Tensor) -> Any:
        values = list(given)
        for k, leaf in zip(positions, leaves, strict=True):
            values[k] = _as_given(leaf, given[k])
        return _listed(func(*values))[output]

    arrays = tuple(np.array(as_array(given[k]), order="C") for k in positions)
    specification = Specification(
        Signature(tuple(tuple(map(str, array.shape)) for array in arrays)),
        tuple(Argument(f"inputs[{k}]", real()) for k in positions),
        dtypes=(dtype,),
        exclude=exclude,
    )
    autograd = Autograd(call, specification.differentiable, given[positions[0]].device)
    caller = Caller(autograd.subject(getattr(func, "__qualname__", type(func).__name__), ""))
    found: dict[tuple[str, str], Finding] = {}
    for case in _cases(arrays, dtype):
        with quiet():
            trial = Trial(case, specification, caller)
            for violation in (*judged(trial), *torch_judged(autograd, trial, _torch_laws(exclude))):
                if violation.severity == "failure" and not violation.provisional:
                    found.setdefault(violation.key, _finding(violation, case, trial, specification))
        if found:
            break
    return list(found.values())[:_SHOWN]


def _torch_laws(exclude: dict[str, str]) -> list[str]:
    return [name for name in TORCH_LAWS if name not in exclude]


def _finding(violation: Violation, case: Case, trial: Trial, specification: Specification) -> Finding:
    shown = Case(
        case.sizes,
        case.params,
        case.dtype,
        case.inputs,
        trial.grad_output if trial.upstream is not None else None,
        case.layouts,
        case.upstream,
        case.regimes,
        case.seed,
    )
    return Finding.of(violation, shown, specification, "")


def _cases(arrays: tuple[np.ndarray[Any, Any], ...], dtype: str) -> Iterator[Case]:
    """The given numbers with every kind of upstream gradient, each in another layout; fixed, as torch's own are."""
    count = len(arrays)
    for seed, upstream in enumerate(UPSTREAMS):
        layouts = ("C",) * count + (LAYOUTS[seed % len(LAYOUTS)],)
        yield Case({}, {}, dtype, arrays, None, layouts, upstream, ("given",) * count, seed)


def _as_given(leaf: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
    """The leaf in the memory layout of the given tensor: func may need channels_last."""
    if given.is_contiguous() or 0 in given.stride() or leaf.stride() == given.stride():
        return leaf
    placed = torch.empty_strided(given.shape, given.stride(), dtype=leaf.dtype, device=leaf.device)
    return placed.copy_(leaf)
