"""Three proofs of every step: structure, exact arithmetic in a prime field, 50 digits; and its mutants must fail.

The field proof samples sizes and values: overwhelming evidence at those sizes, not a theorem for all of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import mpmath

from gradlab.errors import ProofError
from gradlab.symbolic.calculus import check_sorts, contract
from gradlab.symbolic.derive import Derivation
from gradlab.symbolic.ends import prove_ends
from gradlab.symbolic.equivalence import equivalent
from gradlab.symbolic.mutants import mutants
from gradlab.symbolic.program import Program
from gradlab.symbolic.rich import Rich
from gradlab.symbolic.rings import Digits, PrimeField, UndefinedError
from gradlab.symbolic.rules import apply_everywhere
from gradlab.symbolic.sample import draws
from gradlab.symbolic.steps import Factored, Step
from gradlab.symbolic.terms import Delta, Expr, Ref, Term
from gradlab.symbolic.witness import Witness

FIELD_DRAWS = 3
_MORE_DRAWS = 60  # two of four entries of max(x, 0) must be above 0 at one of them: all but certain
SEED = 20261123
_IDLE = "leave out what changes nothing, such as the mean of what has mean 0"


@dataclass(frozen=True)
class StepProof:
    """What happened to one step: its mutants by kind, and those that were rejected."""

    step: Step
    mutants: int
    survivors: tuple[str, ...]


@dataclass(frozen=True)
class Proof(Rich):
    """The record of a derivation's proof; `ends` names the end-to-end identities that were checked as well."""

    steps: tuple[StepProof, ...]
    ends: tuple[str, ...]
    seed: int

    @property
    def mutants(self) -> int:
        """How many mutants were made."""
        return sum(proof.mutants for proof in self.steps)

    @property
    def killed(self) -> int:
        """How many of them the proof rejected."""
        return self.mutants - sum(len(proof.survivors) for proof in self.steps)

    def __str__(self) -> str:
        return (
            f"{len(self.steps)} steps proved (structure, F_p at {FIELD_DRAWS} draws of sizes, 50 digits), "
            f"{self.killed} of {self.mutants} mutants rejected, seed {self.seed}"
        )


def prove(derivation: Derivation, *, seed: int = SEED) -> Proof:
    """Prove every step and the end results; raises ProofError at the first that fails, or at a surviving mutant."""
    program, whole = derivation.program, derivation.whole
    rng = random.Random(f"{seed}:{program.name}")
    with mpmath.workdps(Digits.digits):
        points = [*draws(program, PrimeField(), FIELD_DRAWS, seed), *draws(program, Digits(), 1, seed)]
        names = [f"F_p, draw {k + 1}" for k in range(FIELD_DRAWS)] + ["50 digits"]
        moved = tuple(derivation.moved)
        witnesses = [Witness(whole, point, name, rng, moved) for point, name in zip(points, names, strict=True)]
        prover = _Prover(derivation, witnesses, rng, seed)
        steps = tuple(prover.prove(step) for step in derivation.steps)
        ends = prove_ends(derivation, witnesses)
    for proof in steps:
        if proof.survivors:
            prover.fail(proof.step, f"the mutant {proof.survivors[0]!r} was not rejected; {_IDLE}")
    return Proof(steps, ends, seed)


class _Prover:
    def __init__(self, derivation: Derivation, witnesses: list[Witness], rng: random.Random, seed: int) -> None:
        self.program, self.witnesses, self.rng = derivation.whole, witnesses, rng
        self.moved = tuple(derivation.moved)
        self.extra: list[Witness] = []
        self.source = draws(derivation.program, PrimeField(), _MORE_DRAWS, seed + 1)
        rules = {id(step.rewrite): step.rewrite for step in derivation.steps if step.rewrite is not None}
        self.rules = tuple(rules.values())

    def fail(self, step: Step, problem: str) -> NoReturn:
        raise ProofError(f"{self.program.name}: {step.subject}: step {step.rule!r} ({step.reason}): {problem}")

    def prove(self, step: Step) -> StepProof:
        problem = structure(step, self.program)
        if problem:
            self.fail(step, problem)
        expected = [self.compare(step, witness) for witness in self.witnesses]
        return self.mutate(step, expected)

    def compare(self, step: Step, witness: Witness) -> Any:
        """The value of the left side, which must be that of the right side."""
        try:
            left = witness.value(step.before, step.free)
            right = witness.compare(step, witness.value(step.after, step.free))
        except UndefinedError as error:
            self.fail(step, f"one side is undefined where the operation is defined: {error} ({witness.name})")
        if not witness.agrees(left, right):
            self.fail(step, f"the two sides differ ({witness.name})")
        return left

    def mutate(self, step: Step, expected: list[Any]) -> StepProof:
        made, survivors = 0, []
        for mutant in mutants(flat(step.after), self.rng, step.free):
            if not self.rejects(step, mutant.expression, zip(self.witnesses, expected, strict=True)):
                if equivalent(mutant.expression, flat(step.after), self.program, self.rules, step.free):
                    continue
                # By chance, all of max(x, 0) may be 0 at the few points so far: look at more before giving up.
                more = ((witness, self.compare(step, witness)) for witness in self.more())
                if not self.rejects(step, mutant.expression, more):
                    survivors.append(mutant.kind)
            made += 1
        return StepProof(step, made, tuple(survivors))

    def more(self) -> Iterator[Witness]:
        """Further points, for mutants that all others let pass; drawn when they are asked for, and kept."""
        yield from self.extra
        for point in self.source:
            name = f"F_p, extra draw {len(self.extra) + 1}"
            self.extra.append(Witness(self.program, point, name, self.rng, self.moved))
            yield self.extra[-1]

    def rejects(self, step: Step, mutant: Expr, expected: Iterable[tuple[Witness, Any]]) -> bool:
        for witness, left in expected:
            try:
                right = witness.compare(step, witness.value(mutant, step.free))
            except UndefinedError:
                continue  # undefined at this draw (1/(N-1) at N = 1): the others judge it
            if not witness.agrees(left, right):
                return True
        return False


def flat(side: Expr | Factored) -> Expr:
    """A factored form multiplied out again."""
    return Expr.of(side.prefactor.times(term) for term in side.inner) if isinstance(side, Factored) else side


def structure(step: Step, program: Program) -> str | None:
    """What is wrong with the form of a step: a foreign index, a clash of sorts, or a rule that does not do this."""
    after = flat(step.after)
    foreign = [index.name for index in after.free if index not in step.free]
    if foreign:
        return f"the right side has the free index {', '.join(foreign)}, which the left side does not have"
    for term in after:
        problem = _sorts(term, program)
        if problem:
            return problem
    if not isinstance(step.before, Expr):
        return None  # chain-rule steps open a derivation: there is no term to rewrite
    if step.rewrite is not None:
        found = apply_everywhere(step.rewrite, step.before)
        return None if found == (step.path, step.after) else "the rule does not rewrite the left side into the right"
    if step.rule == "contract":
        return None if contract(step.before) == step.after else "contraction gives something else"
    if step.rule == "factor":
        return None if after == step.before else "multiplying out does not give the left side back"
    return None


def _sorts(term: Term, program: Program) -> str | None:
    for atom, _ in term.factors:
        if isinstance(atom, Delta):
            check_sorts(atom)
        if isinstance(atom, Ref) and atom.tensor in program.tensors:
            axes = tuple(index.axis for index in program.tensors[atom.tensor].indices)
            if tuple(slot.axis for slot in atom.slots) != axes:
                return f"{atom.tensor} is indexed along other axes than it has"
    return None


def prove_step(derivation: Derivation, step: Step, *, seed: int = SEED) -> StepProof:
    """Prove one more step about a derivation, one that it does not hold itself; raises ProofError where it is wrong."""
    program = derivation.program
    rng = random.Random(f"{seed}:{program.name}:{step.subject}")
    with mpmath.workdps(Digits.digits):
        points = [*draws(program, PrimeField(), FIELD_DRAWS, seed), *draws(program, Digits(), 1, seed)]
        witnesses = [Witness(program, point, f"draw {k + 1}", rng) for k, point in enumerate(points)]
        return _Prover(derivation, witnesses, rng, seed).prove(step)
