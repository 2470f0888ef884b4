"""The sizes and coefficients of a routine as code: the variables that hold them, and the lines that define these."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import floor

from gradlab.codegen.statements import Coefficient, Value
from gradlab.errors import DefinitionError
from gradlab.symbolic.factor import LONG
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.program import Program


class Sizes:
    """The sizes that a routine's lines mention, and the lines that define them.

    `like` names an array of the routine whose dtype and device new arrays take; `led` is one with leading dimensions.
    """

    def __init__(self, program: Program, taken: Iterable[str], nan: str, like: str, led: Value | None = None) -> None:
        self.operation = program.name
        self.inputs = {given.tensor.name for given in program.inputs}
        self.like = like
        self.led = led
        self.rank = {axis: position for position, axis in enumerate(program.axes)}
        self.windows = program.windows
        self.taken = set(taken)
        self.nan = nan
        self.single: dict[Axis, str] = {}
        self.products: dict[str, str] = {}
        self.inverses: dict[str, str] = {}

    def size(self, axis: Axis) -> str:
        """The variable that holds a size."""
        if axis.parameter:
            return axis.name
        if axis not in self.single:
            self.single[axis] = axis.name if axis.name not in self.taken else f"size_{axis.name}"
        return self.single[axis]

    def shape(self, layout: tuple[Index, ...]) -> str:
        """A shape as a tuple."""
        return parenthesised([self.leading() if i.axis.ellipsis else self.size(i.axis) for i in layout])

    def leading(self) -> str:
        """The leading dimensions, any number of them."""
        if self.led is None:
            raise DefinitionError(f"{self.operation}: no array at hand has the leading dimensions")
        behind = len(self.led.layout) - 1
        return f"*{self.led.name}.shape[:-{behind}]" if behind else f"*{self.led.name}.shape"

    def product(self, axes: Iterable[Axis]) -> str:
        """The variable that holds a product of sizes."""
        names = [self.size(axis) for axis in sorted(axes, key=lambda axis: self.rank[axis])]
        if len(names) == 1:
            return names[0]
        joined = ("" if all(len(name) == 1 for name in names) else "_").join(names)
        if len(names) == 2 and names[0] == names[1]:
            joined = f"{names[0]}_squared"
        self.products[joined] = " * ".join(names)
        return joined

    def inverse(self, axes: Iterable[Axis]) -> str:
        """The variable that holds one over a product of sizes; NaN where it is 0, as the mean of nothing is."""
        size = self.product(axes)
        self.inverses[f"inverse_{size}"] = size
        return f"inverse_{size}"

    def lines(self, sources: Iterable[Value], given: Iterable[Axis] = ()) -> list[str]:
        """Definitions, from the shapes of these arrays; those of `given` are known, those of windows follow."""
        sources = tuple(sources)
        computed = self.computed(sources)
        defined = {*computed, *given}
        lines, missing = [], {axis: name for axis, name in self.single.items() if axis not in defined}
        for value in sources:
            positions = {index.axis: i for i, index in enumerate(value.layout)}
            here = [axis for axis in missing if axis in positions]
            if not here:
                continue
            ellipsis = any(index.axis.ellipsis for index in value.layout)
            if len(here) == 1 or ellipsis:
                for axis in here:
                    position = positions[axis] - (len(value.layout) if ellipsis else 0)
                    lines.append(f"{missing.pop(axis)} = {_extent(value, axis, position)}")
            else:
                shape = (missing.pop(index.axis, "_") for index in value.layout)
                lines.append(f"{', '.join(shape)} = {value.name}.shape")
        if missing:
            axis = next(iter(missing))
            raise DefinitionError(
                f"{self.operation}: axis {axis.name} is the axis of no input, so its size is unknown; sum it away"
            )
        shown = {axis: self.single.get(axis, axis.name) for axis in self.rank}
        lines += [f"{shown[axis]} = {self.windows[axis].formula(shown)}" for axis in computed]
        lines += [f"{name} = {text}" for name, text in self.products.items()]
        lines += [f"{name} = 1 / {size} if {size} else {self.nan}" for name, size in self.inverses.items()]
        return lines

    def computed(self, sources: Iterable[Value]) -> list[Axis]:
        """The windows whose number none of these arrays shows; what it follows from is needed too."""
        known = {index.axis for value in sources for index in value.layout}
        found = []
        for axis in reversed(self.windows):
            if axis in self.single and axis not in known:
                found.append(axis)
                slot = self.windows[axis].slot
                for other in (slot.axis, *(index.axis for _, index in slot.parts)):
                    self.size(other)
        return [axis for axis in self.windows if axis in found]

    def parameters(self, computed: Iterable[Axis]) -> set[str]:
        """The integer parameters that these numbers of windows follow from."""
        computed = tuple(computed)
        slots = [self.windows[axis].slot for axis in computed]
        scales = [scale for slot in slots for scale in (*slot.offset, *(scale for scale, _ in slot.parts))]
        sizes = {index.axis.name for slot in slots for _, index in slot.parts if index.axis.parameter}
        rounding = {self.windows[axis].ceil for axis in computed} - {""}
        return sizes | rounding | {name for scale in scales for name in scale.parameters}

    def missing(self, sources: Iterable[Value]) -> list[Axis]:
        """The axes whose size none of these arrays has, nor follows from those that they have."""
        sources = tuple(sources)
        known = {index.axis for value in sources for index in value.layout} | {*self.computed(sources)}
        return [axis for axis in self.single if axis not in known]

    def coefficient(self, coefficient: Coefficient) -> str:
        """A coefficient as an expression: -inverse_n, 2 * n, 0.5."""
        whole = [(axis, floor(exponent)) for axis, exponent in coefficient.sizes]
        above = [axis for axis, exponent in whole for _ in range(exponent)]
        below = [axis for axis, exponent in whole for _ in range(-exponent)]
        number = abs(coefficient.number)
        parts = [_number(number)] if number != 1 else []
        parts += constants(coefficient.constants)
        parts += [_root(self.size(axis), e - floor(e)) for axis, e in coefficient.sizes if e.denominator != 1]
        parts += [self.product(above)] if above else []
        parts += [self.inverse(below)] if below else []
        shown = " * ".join(parts) or "1"
        return f"-{shown}" if coefficient.number < 0 else shown


def _extent(value: Value, axis: Axis, position: int) -> str:
    """The size of an axis; of leading dimensions, the number of entries along all of them together."""
    if not axis.ellipsis:
        return f"{value.name}.shape[{position}]"
    leading = "" if len(value.layout) == 1 else f"[:{position + 1}]"
    return f"math.prod({value.name}.shape{leading})"


def constants(powers: Iterable[tuple[str, Fraction]]) -> list[str]:
    """pi and roots of whole numbers as Python numbers: `math.sqrt(2 / math.pi)`."""
    parts = []
    roots: tuple[list[str], list[str]] = ([], [])
    for name, exponent in powers:
        base = "math.pi" if name == "pi" else name
        whole = floor(exponent) if exponent > 0 else -floor(-exponent)
        parts += [f"{base} ** {whole}" if whole != 1 else base] if whole else []
        if exponent != whole:
            roots[exponent < 0].append(base)
    above, below = (" * ".join(sorted(names)) for names in roots)
    under = f"({below})" if "*" in below else below
    parts += [f"math.sqrt({above or 1}{f' / {under}' if under else ''})"] if above or below else []
    return parts


def _root(size: str, exponent: Fraction) -> str:
    return f"math.sqrt({size})" if exponent == Fraction(1, 2) else f"{size} ** ({exponent})"


def _number(number: Fraction) -> str:
    if number.denominator == 1:
        return str(number.numerator)
    if number.denominator & (number.denominator - 1) == 0 or number.denominator > LONG:
        return repr(float(number))  # a power of two below is exact in every floating-point type; a decimal was one
    return f"({number.numerator} / {number.denominator})"


def parenthesised(names: list[str]) -> str:
    """Names as a tuple."""
    return f"({', '.join(names)}{',' if len(names) == 1 else ''})"
