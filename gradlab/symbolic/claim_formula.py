"""The right side of a claim, parsed as any formula is, in the names of a program that is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from gradlab.errors import FormulaError
from gradlab.symbolic.derive import GRAD_OUTPUT
from gradlab.symbolic.formula.nodes import (
    Arithmetic,
    Call,
    Compare,
    Entry,
    Name,
    Node,
    Number,
    Reduce,
    walk,
)
from gradlab.symbolic.formula.parse import parse
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Axis, Gather, Index, Slot
from gradlab.symbolic.program import Binding, Program, Tensor
from gradlab.symbolic.terms import Delta, Expr, Function, Indicator, Ref, Size, Term

_HALF = Fraction(1, 2)
_LARGEST_POWER = 64


class ClaimReader:
    """Reads formulas over the tensors of a program; `scope` says what each free letter stands for.

    What cannot stand in one term (a quotient of sums, a function of one) is bound to a name; `bindings` collects those.
    """

    def __init__(self, program: Program, scope: Mapping[str, Index], leading: Index | None) -> None:
        self.program, self.scope, self.leading = program, dict(scope), leading
        self.bindings: list[Binding] = []
        self.sizes = {axis.size: axis for axis in program.axes}

    def read(self, text: str) -> Expr:
        """The expression; raises FormulaError with the reason why it is none."""
        return self.expression(parse(f"claim = {text}").statements[0].value)

    def fail(self, problem: str) -> FormulaError:
        return FormulaError(problem)

    def expression(self, node: Node) -> Expr:
        match node:
            case Number(value):
                return Expr.number(value)
            case Name(name):
                return self.bare(name)
            case Entry(name, slots):
                return Expr.atom(self.entry(name, slots))
            case Arithmetic():
                return self.arithmetic(node)
            case Compare(operator, left, right):
                first, second = self.expression(left), self.expression(right)
                above = first + second.scaled(Fraction(-1))
                if operator in ("<", ">="):
                    above = above.scaled(Fraction(-1))
                holds = Expr.atom(Indicator(self.named(above)))
                strict = operator in (">", "<")
                return holds if strict else Expr.number(1) + holds.scaled(Fraction(-1))
            case Call(function, arguments):
                return self.call(function, arguments)
            case Reduce(kind, indices, inside):
                return self.reduction(kind, indices, inside)

    # Names -----------------------------------------------------------------------------------------------------------

    def tensor(self, name: str) -> Tensor | None:
        if name in self.program.tensors:
            return self.program.tensors[name]
        return Tensor(GRAD_OUTPUT, self.program.output.indices) if name in ("g", GRAD_OUTPUT) else None

    def bare(self, name: str) -> Expr:
        tensor = self.tensor(name)
        if tensor is not None:
            return Expr.atom(self.entry(name, ()))
        if name in self.program.parameters:
            return Expr.atom(Ref(name, ()))
        if name in self.sizes:
            return Expr.atom(Size(self.sizes[name]))
        if name in self.scope:
            raise self.fail(f"the index {name} is used as a number")
        known = ", ".join([*self.program.tensors, *self.program.parameters, "g", *self.sizes])
        raise self.fail(f"unknown name {name}; known here: {known}")

    def entry(self, name: str, slots: Sequence[Node]) -> Ref:
        tensor = self.tensor(name)
        if tensor is None:
            known = ", ".join([*self.program.tensors, "g"])
            raise self.fail(f"unknown tensor {name}; known here: {known}")
        axes = [index.axis for index in tensor.indices]
        front: list[Slot] = []
        if self.leading is not None and len(slots) == len(axes) - 1 and axes[0] == self.leading.axis:
            front, axes = [self.leading], axes[1:]
        if len(slots) != len(axes):
            raise self.fail(f"{name} has {len(axes)} indices and is written with {len(slots)}")
        return Ref(
            tensor.name, (*front, *(self.slot(node, axis, name) for node, axis in zip(slots, axes, strict=True)))
        )

    def slot(self, node: Node, axis: Axis, where: str) -> Slot:
        if isinstance(node, Entry):
            ref = self.entry(node.name, node.slots)
            inner = tuple(slot for slot in ref.slots if isinstance(slot, Index))
            return Gather(ref.tensor, inner, axis)
        if not isinstance(node, Name):
            raise self.fail(f"an index of {where} is no letter")
        if node.name not in self.scope:
            raise self.fail(f"the index {node.name} is neither given nor summed over")
        index = self.scope[node.name]
        if index.axis != axis:
            raise self.fail(
                f"axes clash: {node.name} runs over {index.axis.name}, and {where} has {axis.name} in its place"
            )
        return index

    # Parts -----------------------------------------------------------------------------------------------------------

    def arithmetic(self, node: Arithmetic) -> Expr:
        left, right = self.expression(node.left), self.expression(node.right)
        match node.operator:
            case "+":
                return left + right
            case "-":
                return left + right.scaled(Fraction(-1))
            case "*":
                return left * right
            case "/":
                if not right.terms:
                    raise self.fail("a division by zero")
                return left * Expr.of([self.named(right).power(Fraction(-1))])
        return self.power(left, right)

    def power(self, base: Expr, exponent: Expr) -> Expr:
        value = exponent.terms[0].coefficient if exponent.terms else Fraction(0)
        if any(term.factors for term in exponent) or abs(value) > _LARGEST_POWER:
            raise self.fail(f"an exponent is a number of at most {_LARGEST_POWER}")
        term = self.named(base)
        return Expr.of([term.power(value)])

    def call(self, function: str, arguments: Sequence[Node]) -> Expr:
        if function == "delta":
            return self.delta(arguments)
        if function == "max" and len(arguments) == 2 and arguments[1] == _zero(arguments[1]):
            function, arguments = "positive_part", arguments[:1]
        function = {"relu": "positive_part"}.get(function, function)
        if len(arguments) != 1:
            raise self.fail(f"{function} takes one argument, not {len(arguments)}")
        inside = self.named(self.expression(arguments[0]))
        if function == "sqrt":
            return Expr.of([inside.power(_HALF)])
        if function not in ELEMENTARY:
            raise self.fail(f"unknown function {function}; known: delta, sqrt, {', '.join(ELEMENTARY)}")
        return Expr.atom(Function(function, inside))

    def delta(self, arguments: Sequence[Node]) -> Expr:
        if len(arguments) != 2:
            raise self.fail("delta takes two indices")
        names = [argument.name for argument in arguments if isinstance(argument, Name)]
        axis = next((self.scope[name].axis for name in names if name in self.scope), None)
        if axis is None:
            raise self.fail("delta compares two letters that stand for no index here")
        left, right = (self.slot(argument, axis, "delta") for argument in arguments)
        return Expr.atom(Delta(left, right)) if left != right else Expr.number(1)

    def reduction(self, kind: str, names: Sequence[str], inside: Node) -> Expr:
        if kind not in ("sum", "mean"):
            raise self.fail(f"{kind} over an index has no place in a claim")
        kept = dict(self.scope)
        indices = []
        for name in names:
            if name in kept:
                raise self.fail(f"{kind} runs over {name}, which is taken")
            index = Index.fresh(self.axis_of(name, inside))
            indices.append(index)
            self.scope[name] = index
        total = self.expression(inside).sum_over(indices)
        self.scope = kept
        for index in indices if kind == "mean" else ():
            total = total * Expr.atom(Size(index.axis), -1)
        return total

    def axis_of(self, letter: str, inside: Node) -> Axis:
        """The axis of a summed letter: that of the tensor it indexes, or of the letter that a delta compares it to."""
        for node in walk(inside):
            if isinstance(node, Entry) and (tensor := self.tensor(node.name)) is not None:
                axes = [index.axis for index in tensor.indices][len(tensor.indices) - len(node.slots) :]
                for slot, axis in zip(node.slots, axes, strict=False):
                    if isinstance(slot, Name) and slot.name == letter:
                        return axis
            if isinstance(node, Call) and node.function == "delta":
                names = [argument.name for argument in node.arguments if isinstance(argument, Name)]
                other = next((name for name in names if name in self.scope), None)
                if letter in names and other is not None:
                    return self.scope[other].axis
        raise self.fail(f"the summed index {letter} indexes nothing")

    def named(self, value: Expr) -> Term:
        """One term without sums that has this value, by a name where there is no other."""
        if len(value.terms) == 1 and not value.terms[0].bound and value.terms[0].coefficient > 0:
            return value.terms[0]
        taken = {*self.program.tensors, *(binding.name for binding in self.bindings)}
        name = next(name for k in range(1, 1000) if (name := f"part{k}") not in taken)
        indices = value.free
        formal = tuple(Index(f"{index.name}_", index.axis) for index in indices)
        renamed = value.rename(dict(zip(indices, formal, strict=True)))
        self.bindings.append(Binding(Tensor(name, formal), renamed, automatic=True))
        return Term(Fraction(1), ((Ref(name, indices), Fraction(1)),))


def _zero(node: Node) -> Node | None:
    """The node itself where it is the number 0."""
    return node if isinstance(node, Number) and node.value == 0 else None
