"""Claims are proved, refuted by the smallest counterexample, or found to be no claims: `claim(...).audit()`."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from gradlab.errors import DefinitionError, FormulaError, ProofError, UnknownOperationError
from gradlab.symbolic.calculus import contract
from gradlab.symbolic.claim_formula import ClaimReader
from gradlab.symbolic.claims import Claim, VerdictKind
from gradlab.symbolic.definition import Definition
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation, Result, derive
from gradlab.symbolic.evaluate import evaluate
from gradlab.symbolic.extents import completed
from gradlab.symbolic.factor import factor
from gradlab.symbolic.indices import Axis, Index, Slot
from gradlab.symbolic.load import definition
from gradlab.symbolic.program import Program
from gradlab.symbolic.prove import StepProof, prove_step
from gradlab.symbolic.read import read
from gradlab.symbolic.rich import Rich
from gradlab.symbolic.rings import Digits, UndefinedError
from gradlab.symbolic.steps import Factored, Step
from gradlab.symbolic.terms import Atom, Delta, Expr, Term
from gradlab.symbolic.worked import floats, small_point

_LETTERS = "ijklmabcdefh"
_LARGEST = 3  # entries along an axis of a counterexample
_ATTEMPTS = 6
_DIFFERS = 1e-12


@dataclass(frozen=True)
class Counterexample:
    """Numbers at which the claim and the derivative differ, at the smallest sizes where they do."""

    sizes: Mapping[Axis, int]
    inputs: Mapping[str, Any]
    entry: tuple[tuple[str, int], ...]
    claimed: float
    true: float


@dataclass(frozen=True)
class Verdict(Rich):
    """What became of a claim. `correct` is the derived formula in the claim's letters, None where there is none."""

    claim: Claim
    kind: VerdictKind
    reason: str
    program: Program | None = None
    free: tuple[Index, ...] = ()
    correct: Factored | None = None
    proof: StepProof | None = None
    counterexample: Counterexample | None = None
    true_shape: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    """The letters of the output's indices, where the claim is about a Jacobian."""
    input: tuple[str, ...] = ()
    """The letters of the input's indices."""
    leading: str = ""
    """The index of a leading dimension that both share and the claim leaves out."""

    @property
    def as_expected(self) -> bool:
        """Whether the claim's author expected this verdict."""
        return self.kind == self.claim.expected


def audit(claim: Claim) -> Verdict:
    """Prove or refute a claim. Raises only where the operation itself cannot be derived."""
    try:
        found = _derivation(claim.operation if isinstance(claim.operation, Definition) else definition(claim.operation))
    except UnknownOperationError as error:
        return Verdict(claim, "ill-formed", str(error))
    try:
        return _shape(claim, found) if claim.shape else _Audit(claim, found).verdict()
    except FormulaError as error:
        return Verdict(claim, "ill-formed", str(error), found.program)


_DERIVED: dict[str, Derivation] = {}
"""By digest: an audit asks many things about few operations."""


def _derivation(item: Definition) -> Derivation:
    program = read(item)
    if program.digest not in _DERIVED:
        _DERIVED[program.digest] = derive(program)
    return _DERIVED[program.digest]


class _Audit:
    """One claim about a Jacobian or a VJP."""

    def __init__(self, claim: Claim, derivation: Derivation) -> None:
        self.claim, self.derivation, self.program = claim, derivation, derivation.program
        self.wrt, own = _entry(claim.wrt)
        results = derivation.jacobians if claim.jacobian else derivation.gradients
        if self.wrt not in results:
            raise FormulaError(
                f"{self.program.name} has no gradient for {self.wrt}; it has one for {', '.join(results)}"
            )
        self.result: Result = results[self.wrt]
        count = len(self.program.output.indices) if claim.jacobian else 0
        output, letters = _entry(claim.of or self.program.output.name)
        if output != self.program.output.name:
            raise FormulaError(f"the output of {self.program.name} is {self.program.output.name}, not {output}")
        self.leading: Index | None = None
        self.names: dict[Index, Slot] = {}
        spare = iter(letter for letter in _LETTERS if letter not in {*(letters or ()), *(own or ())})
        self.assign(self.result.free[:count], letters, spare, output)
        self.assign(self.result.free[count:], own, spare, self.wrt)

    def assign(self, indices: Sequence[Index], letters: Sequence[str] | None, spare: Iterator[str], name: str) -> None:
        """Letters for the indices of one entry; without letters for them, leading dimensions become one shared row."""
        rest = list(indices)
        omitted = letters is None or len(letters) == len(rest) - 1
        if len(rest) > 1 and rest[0].axis.ellipsis and omitted:
            self.leading = self.leading or Index(rest[0].axis.name, rest[0].axis)
            self.names[rest[0]] = self.leading
            rest = rest[1:]
        if letters is None:
            letters = [next(spare) for _ in rest]
        if len(letters) != len(rest):
            raise FormulaError(f"{name} has {len(rest)} indices and is written with {len(letters)}")
        for index, letter in zip(rest, letters, strict=True):
            self.names[index] = Index(letter, index.axis)

    def verdict(self) -> Verdict:
        free = tuple(dict.fromkeys(index for index in self.names.values() if isinstance(index, Index)))
        if len({index.name for index in free}) < len(free):
            raise FormulaError("one letter stands for indices of two axes")
        scope = {index.name: index for index in free if index != self.leading}
        reader = ClaimReader(self.program, scope, self.leading)
        truth = _ordered(contract(self.result.value.rename(self.names)), free)
        claimed = contract(reader.read(self.claim.jacobian or self.claim.vjp))
        foreign = [index.name for index in claimed.free if index not in free]
        if foreign:
            raise FormulaError(f"the formula has the free index {', '.join(foreign)}")
        condition = self.condition(scope)
        correct = factor(truth)
        extended = replace(
            self.derivation,
            program=replace(self.derivation.whole, bindings=(*self.derivation.whole.bindings, *reader.bindings)),
        )
        before, after = (contract(side * condition) for side in (truth, claimed))
        step = Step(self.result.name, free, before, after, "claim", "the claim")
        result = Verdict(self.claim, "proved", "", self.program, free, correct, **self.letters())
        try:
            proof = prove_step(extended, step)
        except ProofError as error:
            found = counterexample(extended.program, before, after, free)
            return replace(result, kind="refuted", reason=str(error), counterexample=found)
        killed = proof.mutants - len(proof.survivors)
        reason = f"structure, prime field, 50 digits; {killed} of {proof.mutants} mutants rejected"
        return replace(result, reason=reason, proof=proof)

    def letters(self) -> dict[str, Any]:
        count = len(self.program.output.indices) if self.claim.jacobian else 0
        names = [slot.name for index in self.result.free if isinstance(slot := self.names[index], Index)]
        leading = self.leading.name if self.leading else ""
        return {"output": tuple(names[:count]), "input": tuple(names[count:]), "leading": leading}

    def condition(self, scope: Mapping[str, Index]) -> Expr:
        if not self.claim.where:
            return Expr.number(1)
        match = re.fullmatch(r"\s*(\w+)\s*(==|!=)\s*(\w+)\s*", self.claim.where)
        if not match or match[1] not in scope or match[3] not in scope:
            raise FormulaError(f"where={self.claim.where!r}: write 'i == j' or 'i != j', with two letters of the claim")
        left, right = scope[match[1]], scope[match[3]]
        if left.axis != right.axis:
            raise FormulaError(f"where={self.claim.where!r} compares two axes, {left.axis.name} and {right.axis.name}")
        equal = Expr.atom(Delta(left, right))
        return equal if match[2] == "==" else Expr.number(1) + equal.scaled(Fraction(-1))


def _ordered(expression: Expr, free: Sequence[Index]) -> Expr:
    """With every delta written in the order of the claim's letters: delta[i,j], not delta[j,i]."""

    def sort(atom: Atom) -> Atom:
        if isinstance(atom, Delta) and atom.left in free and atom.right in free:
            left, right = (index for index in free if index in (atom.left, atom.right))
            return Delta(left, right)
        return atom

    return Expr(
        tuple(Term(t.coefficient, tuple((sort(atom), e) for atom, e in t.factors), t.bound) for t in expression)
    )


def _entry(text: str) -> tuple[str, tuple[str, ...] | None]:
    """`weight[j,k]` as a name and its letters; None without brackets."""
    match = re.fullmatch(r"\s*(\w+)\s*(?:\[([\w\s,]*)\])?\s*", text)
    if not match:
        raise FormulaError(f"{text!r} is no entry; write it as x or as x[i,j]")
    if match[2] is None:
        return match[1], None
    return match[1], tuple(letter.strip() for letter in match[2].split(",") if letter.strip())


def counterexample(program: Program, truth: Expr, claimed: Expr, free: Sequence[Index]) -> Counterexample:
    """The smallest sizes at which two expressions differ, with small numbers.

    Raises DefinitionError where they do not differ at any size that is looked at.
    """
    rng = random.Random(f"counterexample:{program.name}")
    integers = {p.name: int(p.default) for p in program.definition.parameters if p.integer}
    free_axes = [axis for axis in program.axes if axis not in program.windows and not axis.parameter]
    every = itertools.product(range(1, _LARGEST + 1), repeat=len(free_axes))
    with mpmath.workdps(Digits.digits):
        for counts in sorted(every, key=lambda counts: (np.prod(counts, dtype=int), counts)):
            size = completed(program, dict(zip(free_axes, counts, strict=True)), integers)
            for _ in range(_ATTEMPTS):
                point = small_point(program, size, rng, integers)
                if point is None:
                    continue
                try:
                    values = [np.asarray(evaluate(side, free, point), dtype=object) for side in (truth, claimed)]
                except UndefinedError:
                    continue
                true, wrong = (np.broadcast_to(floats(value), point.shape(free)) for value in values)
                gap = np.abs(true - wrong)
                if not gap.size or gap.max() < _DIFFERS:
                    continue
                place = np.unravel_index(int(np.argmax(gap)), gap.shape) if gap.shape else ()
                where = tuple((index.name, int(k)) for index, k in zip(free, place, strict=True))
                names = [given.tensor.name for given in program.inputs]
                names += [GRAD_OUTPUT] if GRAD_OUTPUT in truth.tensors | claimed.tensors else []
                inputs = {name: floats(np.asarray(point.tensors[name])) for name in names}
                return Counterexample(size, inputs, where, float(wrong[place]), float(true[place]))
    raise DefinitionError(f"{program.name}: the two formulas differ, but at no size up to {_LARGEST}")


def _shape(claim: Claim, derivation: Derivation) -> Verdict:
    """A claim about the shape of a gradient: the order of the axes and axes of length 1 do not matter."""
    program = derivation.program
    name, _ = _entry(claim.wrt)
    if name not in derivation.gradients:
        raise FormulaError(
            f"{program.name} has no gradient for {name}; it has one for {', '.join(derivation.gradients)}"
        )
    true = tuple(index.axis.size for index in program.tensors[name].indices)
    claimed = [part.strip() for part in re.split(r"\s+x\s+|×|\*", claim.shape)]
    known = {axis.size for axis in program.axes}
    unknown = [part for part in claimed if part not in known and not part.isdigit()]
    if unknown:
        raise FormulaError(f"{unknown[0]} is no axis of {program.name}; its axes are {', '.join(sorted(known))}")
    shown = " x ".join(true) or "1"
    if sorted(part for part in claimed if part != "1") == sorted(true):
        return Verdict(
            claim, "proved", f"the gradient has one entry for each of {name}: {shown}", program, true_shape=true
        )
    sizes = {axis: k + 2 for k, axis in enumerate(sorted({*true, *claimed} & known))}
    counts = [int(np.prod([sizes.get(part, 0) or int(part) for part in parts], dtype=int)) for parts in (claimed, true)]
    where = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
    reason = f"at {where} the claim has {counts[0]} entries, {name} and its gradient have {counts[1]}"
    return Verdict(claim, "refuted", reason, program, true_shape=true)
