"""Text -> nodes. Python's own parser makes the tree (it executes nothing); whatever is no formula in it is refused."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Sequence
from fractions import Fraction
from typing import NoReturn, get_args

from gradlab.symbolic.formula import errors
from gradlab.symbolic.formula.nodes import (
    Arithmetic,
    ArithmeticOperator,
    Call,
    Compare,
    Comparison,
    Entry,
    Formula,
    Name,
    Node,
    Number,
    Place,
    Reduce,
    Reduction,
    Statement,
)

# Far above what people write; below what takes a parser or the engine more than a moment.
_MOST_CHARACTERS = 4000
_MOST_NODES = 400
_MOST_STATEMENTS = 40
_DEEPEST = 40
_MOST_DIGITS = 40

FILENAME = "<formula>"
"""What Python calls the text; it looks for a file of this name when it words a syntax error."""

_OPERATORS: dict[type[ast.operator], ArithmeticOperator] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_COMPARISONS: dict[type[ast.cmpop], Comparison] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}
_REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)


def parse(text: str) -> Formula:
    r"""Read one formula, or several lines of which the last is the output.

    Raises FormulaError that points at the character.

    >>> [statement.name for statement in parse("s = sum[i](x[i]**2)\ny = sqrt(s)").statements]
    ['s', 'y']
    """
    return _Parser(textwrap.dedent(text.replace("\r\n", "\n").replace("\r", "\n")).strip()).formula()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.nodes = text, 0

    def fail(self, at: ast.AST | Place, problem: str, remedy: str) -> NoReturn:
        errors.fail(self.text, at if isinstance(at, Place) else _place(at), problem, remedy)

    def formula(self) -> Formula:
        self._plain()
        statements = tuple(self.statement(item) for item in self._tree().body)
        if not statements:
            self.fail(Place(0, 0), "there is no formula", "write one such as y[n] = exp(x[n])")
        if len(statements) > _MOST_STATEMENTS:
            place = statements[_MOST_STATEMENTS].place
            self.fail(place, f"more than {_MOST_STATEMENTS} statements", "split it into several operations")
        return Formula(self.text, statements)

    def _plain(self) -> None:
        """Length, characters and depth, before any parser sees the text."""
        if len(self.text) > _MOST_CHARACTERS:
            place = self._at(_MOST_CHARACTERS)
            self.fail(place, f"more than {_MOST_CHARACTERS} characters", "split it into several operations")
        depth = 0
        for position, character in enumerate(self.text):
            if not (" " <= character <= "~" or character in "\n\t"):
                self.fail(self._at(position), f"the character {character!r}", "formulas are plain ASCII")
            if character in "'\"`@\\{}":
                self.fail(self._at(position), f"the character {character}", "a formula has no use for it")
            depth += (character in "([") - (character in ")]")
            if depth > _DEEPEST:
                self.fail(self._at(position), f"brackets are nested deeper than {_DEEPEST}", "name the inner parts")

    def _at(self, position: int) -> Place:
        before = self.text[:position]
        return Place(before.count("\n"), position - (before.rfind("\n") + 1))

    def _tree(self) -> ast.Module:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns of `1(x)`; below it is refused
                return ast.parse(self.text, FILENAME)
        except SyntaxError as error:
            place = Place(max(0, (error.lineno or 1) - 1), max(0, (error.offset or 1) - 1))
            indented = isinstance(error, IndentationError)
            remedy = "start every statement at the left margin" if indented else f"Python says: {error.msg}"
            self.fail(place, "this cannot be read", remedy)
        except (RecursionError, MemoryError, ValueError, OverflowError):
            self.fail(Place(0, 0), "the formula is too deeply nested", "name the inner parts on lines of their own")

    # Statements --------------------------------------------------------------------------------------------------

    def statement(self, item: ast.stmt) -> Statement:
        if not isinstance(item, ast.Assign):
            self.fail(item, "this is no definition", "write name[indices] = ..., such as y[n] = exp(x[n])")
        if len(item.targets) != 1:
            self.fail(item.targets[1], "two names for one value", "write a line for each")
        target = item.targets[0]
        value = self.node(item.value, 0)
        if isinstance(target, ast.Name):
            return Statement(target.id, (), value, _place(target))
        if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Name):
            self.fail(target, "the left side is no entry of a tensor", "write name[indices], such as y[n, d]")
        indices = tuple(self.index(slot) for slot in _elements(target.slice))
        repeated = next((i for i, name in enumerate(indices) if name in indices[:i]), None)
        if repeated is not None:
            slot = _elements(target.slice)[repeated]
            self.fail(slot, f"the left side repeats the index {indices[repeated]}", "use one index per axis")
        return Statement(target.value.id, indices, value, _place(target))

    def index(self, slot: ast.expr) -> str:
        if not isinstance(slot, ast.Name):
            self.fail(slot, "this is no index", "an index is one name, such as n")
        return slot.id

    # Expressions -------------------------------------------------------------------------------------------------

    def node(self, item: ast.expr, depth: int) -> Node:
        self.nodes += 1
        if self.nodes > _MOST_NODES:
            self.fail(item, f"the formula has more than {_MOST_NODES} parts", "split it into several operations")
        if depth > 2 * _DEEPEST:
            self.fail(item, "this is too deeply nested", "name the inner parts on lines of their own")
        match item:
            case ast.Constant():
                return self.number(item)
            case ast.Name():
                return Name(item.id, _place(item))
            case ast.UnaryOp():
                return self.unary(item, depth)
            case ast.BinOp():
                return self.arithmetic(item, depth)
            case ast.Compare():
                return self.compare(item, depth)
            case ast.Subscript():
                return self.entry(item, depth)
            case ast.Call():
                return self.call(item, depth)
        kind = type(item).__name__
        self.fail(
            item, f"{kind} is not part of a formula", "numbers, names, entries x[n], + - * / **, f(...), sum[k](...)"
        )

    def number(self, item: ast.Constant) -> Number:
        shown = ast.get_source_segment(self.text, item) or ""
        if isinstance(item.value, bool) or not isinstance(item.value, int | float):
            self.fail(item, f"{shown or repr(item.value)} is not a number", "write 2, 0.5 or 1e-3")
        exponent = re.search(r"[eE]([+-]?\d+)$", shown)
        if len(shown) > _MOST_DIGITS or (exponent and abs(int(exponent[1])) > 300):
            self.fail(item, "the number is too long", f"write at most {_MOST_DIGITS} digits, and exponents up to 300")
        # Through the text: 0.1 is one tenth, not the binary number next to it.
        return Number(Fraction(int(item.value)) if isinstance(item.value, int) else Fraction(shown), _place(item))

    def unary(self, item: ast.UnaryOp, depth: int) -> Node:
        inside = self.node(item.operand, depth + 1)
        match item.op:
            case ast.UAdd():
                return inside
            case ast.USub():
                return Arithmetic("*", Number(Fraction(-1), _place(item)), inside, _place(item))
        self.fail(item, f"the operator {'not' if isinstance(item.op, ast.Not) else '~'}", "use + - * / **")

    def arithmetic(self, item: ast.BinOp, depth: int) -> Node:
        # Sums of many terms lean to the left: they are walked, not descended.
        spine = [item]
        while isinstance(left := spine[-1].left, ast.BinOp):
            spine.append(left)
        result = self.node(spine[-1].left, depth + 1)
        for part in reversed(spine):
            if isinstance(part.op, ast.BitXor):
                self.fail(part, "^ is no power here", "write x**2")
            operator = _OPERATORS.get(type(part.op))
            if operator is None:
                self.fail(part, "this operator is not part of a formula", "use + - * / **")
            result = Arithmetic(operator, result, self.node(part.right, depth + 1), _place(part))
        return result

    def compare(self, item: ast.Compare, depth: int) -> Node:
        if len(item.ops) != 1:
            self.fail(item, "a chain of comparisons", "multiply two: (0 < x[n]) * (x[n] < 1)")
        operator = _COMPARISONS.get(type(item.ops[0]))
        if operator is None:
            self.fail(item, "this comparison has no use here", "use > >= < <=, or delta(i, j) for equal indices")
        left, right = self.node(item.left, depth + 1), self.node(item.comparators[0], depth + 1)
        return Compare(operator, left, right, _place(item))

    def entry(self, item: ast.Subscript, depth: int) -> Entry:
        if not isinstance(item.value, ast.Name):
            self.fail(item, "only a name can have indices", "bind the inner part to a name first")
        if item.value.id in _REDUCTIONS:
            self.fail(item, f"{item.value.id}[...] has no argument", f"write {item.value.id}[k](x[n, k])")
        slots = tuple(self.node(slot, depth + 1) for slot in _elements(item.slice))
        if not slots:
            self.fail(item, f"{item.value.id}[] has no index", "write the index, or leave the brackets out")
        return Entry(item.value.id, slots, _place(item))

    def call(self, item: ast.Call, depth: int) -> Node:
        if item.keywords:
            self.fail(item.keywords[0].value, "arguments have no names here", "write f(u)")
        if isinstance(item.func, ast.Subscript):
            return self.reduce(item, item.func, depth)
        if not isinstance(item.func, ast.Name):
            self.fail(item, "this cannot be called", "call a function by its name, such as exp(u)")
        if item.func.id in ("sum", "mean"):
            self.fail(item, f"{item.func.id} of what index?", f"write {item.func.id}[k](x[n, k])")
        return Call(item.func.id, tuple(self.node(one, depth + 1) for one in item.args), _place(item))

    def reduce(self, item: ast.Call, function: ast.Subscript, depth: int) -> Reduce:
        kind = next((k for k in _REDUCTIONS if isinstance(function.value, ast.Name) and function.value.id == k), None)
        if kind is None:
            self.fail(item, "only sum, mean, max and min run over an index", "write sum[k](x[n, k])")
        if len(item.args) != 1:
            self.fail(item, f"{kind}[...] has {len(item.args)} arguments", f"write {kind}[k](x[n, k])")
        indices = tuple(self.index(slot) for slot in _elements(function.slice))
        if not indices or len(set(indices)) != len(indices):
            self.fail(function, f"{kind} runs over an index twice, or over none", f"write {kind}[k](x[n, k])")
        return Reduce(kind, indices, self.node(item.args[0], depth + 1), _place(item))


def _elements(item: ast.expr) -> Sequence[ast.expr]:
    return item.elts if isinstance(item, ast.Tuple) else [item]


def _place(item: ast.AST) -> Place:
    return Place(getattr(item, "lineno", 1) - 1, getattr(item, "col_offset", 0))
