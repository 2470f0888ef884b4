"""Everything that is correct and should pass: the zoo's right backwards and the registered kernels on each backend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Literal

from benchmarks.animals import CORRECT, animals, choose, some
from benchmarks.checkers.by_gradlab import specification_of
from gradlab import registry
from gradlab.adapters.functions import from_functions
from gradlab.adapters.subject import Subject
from gradlab.adapters.torch_kernels import one_thread
from gradlab.registry import Backend
from gradlab.symbolic.oracle import symbolic_reference
from gradlab.verify.check import run
from gradlab.verify.references import Reference
from gradlab.verify.registered import BACKENDS, jvp_of, subject_of
from gradlab.verify.registered import described as described_record
from gradlab.verify.report import Report
from gradlab.verify.specification import Specification

REGISTERED = "registered"


@cache
def registered() -> dict[str, tuple[str, Backend]]:
    """Kernels by a name such as "softmax (numpy)"; torch's only where torch is installed."""
    backends = [backend for backend in BACKENDS if backend == "numpy" or find_spec("torch") is not None]
    return {f"{name} ({backend})": (name, backend) for name in registry.names() for backend in backends}


def choose_correct(
    which: Literal["tune", "held_out", "all"] = "all", groups: Sequence[str] = (), names: Sequence[str] = ()
) -> list[str]:
    """Names of subjects, kernels first; kernels belong to no half and to the group "registered".

    Raises ValueError for a name that nobody has, and where nothing is left.
    """
    kernels = [name for name in registered() if not names or name in names]
    if groups and REGISTERED not in groups:
        kernels = []
    others = [name for name in names if name not in registered()]
    wanted = [group for group in groups or CORRECT if group in CORRECT]
    zoo = choose(which, wanted, others) if wanted and (others or not names) else []
    return some([*kernels, *(animal.name for animal in zoo)])


def group_of(name: str) -> str:
    """The group: "registered", "ordinary" or "hard"."""
    return REGISTERED if name in registered() else animals()[name].group


def half_of(name: str) -> str:
    """The half of the zoo; kernels are not held out."""
    return "tune" if name in registered() else animals()[name].half


@cache
def described(name: str) -> tuple[Subject, Specification, tuple[Reference, ...]] | None:
    """A subject and what a check of it needs; None where this version of gradlab cannot check it."""
    if name in registered():
        # As `gradlab verify` checks it, with every oracle and promise that there is.
        operation, backend = registered()[name]
        record, kernel = registry.operation(operation), registry.kernel(operation, backend)
        exact = symbolic_reference(operation, record.digest)
        promised, references, _ = described_record(record, exact=exact, jvp=jvp_of(backend, kernel))
        return subject_of(operation, backend, kernel), promised, tuple(references)
    correct = animals()[name].correct
    specification = specification_of(correct)
    return None if specification is None else (from_functions(correct.forward, correct.backward), specification, ())


def report_of(name: str, *, profile: str, seed: int, subject: Subject | None = None, jvp: bool = True) -> Report | None:
    """Check a correct subject, or `subject` in its place; nothing is shrunk. None where it cannot be checked.

    `jvp=False` leaves out the law of that name: it needs a second derivation of the gradient, which few users have.
    """
    known = described(name)
    if known is None:
        return None
    own, specification, references = known
    if not jvp:
        specification = replace(specification, extras=replace(specification.extras, jvp=None))
    with one_thread():
        return run(subject or own, specification, references, profile=profile, seed=seed, shrinking=False)
