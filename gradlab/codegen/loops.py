"""A formula as plain Python loops, one statement for one line: the reading that shares nothing with the engine."""

from __future__ import annotations

from collections.abc import Iterable

from gradlab.symbolic.definition import Definition
from gradlab.symbolic.formula.names import Names, resolve
from gradlab.symbolic.formula.nodes import (
    Arithmetic,
    Call,
    Compare,
    Entry,
    Formula,
    Name,
    Node,
    Number,
    Reduce,
    Statement,
)

# Functions of one number, in terms of NumPy's; what is not here has NumPy's own name.
_FUNCTIONS = {
    "relu": "max({0}, 0)",
    "positive_part": "max({0}, 0)",
    "sigmoid": "1 / (1 + np.exp(-({0})))",
    "softplus": "np.logaddexp(0, {0})",
    "sign": "np.sign({0})",
    "abs": "abs({0})",
    "erf": "math.erf({0})",
    "normal_cdf": "math.erfc(-({0}) / math.sqrt(2)) / 2",
    "normal_pdf": "np.exp(-({0}) ** 2 / 2) / math.sqrt(2 * math.pi)",
}


def loops(formula: Formula, definition: Definition, name: str = "reference") -> str:
    """A function `name(inputs, *, parameters)` that returns the output of the formula, entry by entry."""
    return "\n".join(_Loops(formula, definition).lines(name))


class _Loops:
    def __init__(self, formula: Formula, definition: Definition) -> None:
        self.formula, self.definition = formula, definition
        self.names: Names = resolve(formula)

    def lines(self, name: str) -> list[str]:
        arguments = [str(getattr(item.entry, "base", item.entry)) for item in self.definition.inputs]
        keywords = [f"{parameter.name}={parameter.default!r}" for parameter in self.definition.parameters]
        signature = ", ".join([*arguments, *(["*", *keywords] if keywords else [])])
        last = self.formula.statements[-1]
        return [
            f"def {name}({signature}):",
            f'    """{self.definition.summary}"""',
            *(f"    {line}" for line in self.sizes()),
            *(f"    {line}" for statement in self.formula.statements for line in self.statement(statement)),
            f"    return {last.name}",
        ]

    def sizes(self) -> list[str]:
        """The sizes that loops and the formula mention, each from the first input that has the axis."""
        found: dict[str, str] = {}
        for name, rank in self.names.inputs.items():
            for position in range(rank):
                found.setdefault(self.names.axis_of((name, position)), f"{name}.shape[{position}]")
        return [f"{letter} = {source}" for letter, source in found.items()]

    def statement(self, statement: Statement) -> list[str]:
        value = self.text(statement.value)
        if not statement.indices:
            return [f"{statement.name} = {value}"]
        indices = statement.indices
        shape = ", ".join(self.size(index) for index in indices)
        lines = [f"{statement.name} = np.zeros(({shape}{',' if len(indices) == 1 else ''}))"]
        for depth, index in enumerate(indices):
            lines.append(f"{'    ' * depth}for {index} in range({self.size(index)}):")
        return [*lines, f"{'    ' * len(indices)}{statement.name}[{', '.join(indices)}] = {value}"]

    def size(self, index: str) -> str:
        return self.names.axis_of(index)

    def text(self, node: Node) -> str:
        match node:
            case Number(value):
                if value.denominator == 1:
                    return str(value.numerator) if value >= 0 else f"({value.numerator})"
                return f"({value.numerator} / {value.denominator})"
            case Name(name):
                if name == "pi":
                    return "math.pi"
                own = name in self.names.scalars or name in self.names.bound or name in self.names.indices
                return name if own else self.names.axis_of(self.names.sizes[name])
            case Entry(name, slots):
                return f"{name}[{', '.join(self.text(slot) for slot in slots)}]"
            case Arithmetic(operator, left, right):
                return f"({self.text(left)} {operator} {self.text(right)})"
            case Compare(operator, left, right):
                return f"float({self.text(left)} {operator} {self.text(right)})"
            case Call(function, arguments):
                return self.call(function, [self.text(argument) for argument in arguments])
            case Reduce():
                return self.reduce(node)

    def call(self, function: str, arguments: list[str]) -> str:
        if function == "delta":
            return f"float({arguments[0]} == {arguments[1]})"
        if function in ("max", "min"):
            return f"{function}({', '.join(arguments)})"
        return _FUNCTIONS.get(function, f"np.{function}({{0}})").format(*arguments)

    def reduce(self, node: Reduce) -> str:
        over = self.over(node.indices)
        if node.kind == "mean":
            count = " * ".join(self.size(index) for index in node.indices)
            return f"(sum({self.text(node.inside)} {over}) / ({count}))"
        return f"{node.kind}({self.text(node.inside)} {over})"

    def over(self, indices: Iterable[str]) -> str:
        return " ".join(f"for {index} in range({self.size(index)})" for index in indices)
