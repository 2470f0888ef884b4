"""What an operation is, as plain data: signature, arguments, domains, kinks. Data and validation only.

Both halves of gradlab meet here: `codegen` writes an `Operation` record into every kernel, `verify` reads it.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Literal

from gradlab.errors import SignatureError

ELLIPSIS = "..."
"""Stands for any number of leading dimensions, as in `"(...,d)->(...,d)"`."""

DomainKind = Literal["real", "positive", "non_negative", "simplex", "one_hot", "labels", "mask", "signs", "integers"]

_CONTINUOUS: frozenset[str] = frozenset({"real", "positive", "non_negative", "simplex"})


@dataclass(frozen=True, slots=True)
class Domain:
    """The values an argument may take. Build one with `real()`, `positive()`, `simplex()`, ….

    `minimum` and `maximum` bound real and integer domains (inclusive); `below` names the dimension that bounds
    `labels`; `zeros` says whether a simplex may touch its boundary; `probability` is a mask's chance of True.
    """

    kind: DomainKind
    minimum: float = -math.inf
    maximum: float = math.inf
    below: str | None = None
    zeros: bool = False
    probability: float = 0.5

    def __post_init__(self) -> None:
        for bound in (self.minimum, self.maximum, self.probability):
            if not isinstance(bound, Real):
                raise SignatureError(f"{self.kind}: {bound!r} is not a number")
        if self.kind == "labels" and not isinstance(self.below, str):
            raise SignatureError(f"labels({self.below!r}): write the name of a dimension, as in labels('c')")
        if self.kind == "integers" and not (self.minimum % 1 == 0 == self.maximum % 1):
            raise SignatureError(f"integers({self.minimum!r}, {self.maximum!r}): both bounds are whole numbers")
        if math.isnan(self.minimum) or math.isnan(self.maximum):
            raise SignatureError(f"{self.kind}: a bound is nan; leave it out for no bound")
        if not self.minimum <= self.maximum:
            raise SignatureError(
                f"{self.kind}: minimum={self.minimum!r} is above maximum={self.maximum!r}; swap the two bounds"
            )
        if not 0 <= self.probability <= 1:
            raise SignatureError(f"mask: probability={self.probability!r} is not between 0 and 1")

    @property
    def continuous(self) -> bool:
        """True where a derivative with respect to the argument makes sense."""
        return self.kind in _CONTINUOUS

    @property
    def bounded(self) -> bool:
        """True where numbers may lie outside: on one side at least there is an end."""
        return math.isfinite(self.minimum) or math.isfinite(self.maximum)


def real(minimum: float = -math.inf, maximum: float = math.inf) -> Domain:
    """Any real number in [minimum, maximum].

    >>> real(-3, 3).maximum
    3
    """
    return Domain("real", minimum, maximum)


def positive() -> Domain:
    """Real numbers above 0."""
    return Domain("positive", 0.0)


def non_negative() -> Domain:
    """Real numbers from 0 upward, 0 included."""
    return Domain("non_negative", 0.0)


def simplex(*, zeros: bool = False) -> Domain:
    """Probabilities: entries along the last axis are positive (or zero, with `zeros=True`) and sum to 1."""
    return Domain("simplex", 0.0, 1.0, zeros=zeros)


def one_hot() -> Domain:
    """Exactly one 1 along the last axis, zeros elsewhere; has no gradient."""
    return Domain("one_hot", 0.0, 1.0)


def labels(below: str) -> Domain:
    """Integers from 0 up to, not including, the size of dimension `below`; has no gradient.

    >>> labels("c").below
    'c'
    """
    return Domain("labels", 0.0, below=below)


def mask(probability: float = 0.5) -> Domain:
    """Booleans, True with the given probability; has no gradient."""
    return Domain("mask", 0.0, 1.0, probability=probability)


def signs() -> Domain:
    """Minus one or one; has no gradient."""
    return Domain("signs", -1.0, 1.0)


def integers(minimum: int, maximum: int) -> Domain:
    """Integers in [minimum, maximum]; has no gradient."""
    return Domain("integers", minimum, maximum)


@dataclass(frozen=True, slots=True)
class Signature:
    """Shapes of the inputs and the output as named dimensions, in the notation of NumPy's gufuncs.

    `output` is None where the right side is left out: the output's shape is then whatever `forward` returns.

    >>> str(Signature.parse("(n,i),(o,i),(o)->(n,o)"))
    '(n,i),(o,i),(o)->(n,o)'
    >>> Signature.parse("(...,d)->(...,d)").dims
    ('d',)
    """

    inputs: tuple[tuple[str, ...], ...]
    output: tuple[str, ...] | None = None

    @staticmethod
    def parse(text: str) -> Signature:
        """Read `"(n,i),(o,i)->(n,o)"`; raises SignatureError that shows the part it cannot read."""
        left, arrow, right = text.replace(" ", "").partition("->")
        inputs = _parse_shapes(left, text)
        if not inputs:
            raise SignatureError(f"signature {text!r} has no input; write one shape per argument, e.g. '(n,d)->(n,d)'")
        outputs = _parse_shapes(right, text) if arrow else ()
        if arrow and len(outputs) != 1:
            raise SignatureError(f"signature {text!r} has {len(outputs)} outputs; exactly one is supported")
        return Signature(inputs, outputs[0] if arrow else None)

    @property
    def dims(self) -> tuple[str, ...]:
        """Every named dimension once, in order of appearance, without `...`."""
        shapes = self.inputs + ((self.output,) if self.output is not None else ())
        names = (name for shape in shapes for name in shape if name != ELLIPSIS and not name.isdigit())
        return tuple(dict.fromkeys(names))

    def __str__(self) -> str:
        left = ",".join(f"({','.join(shape)})" for shape in self.inputs)
        return left if self.output is None else f"{left}->({','.join(self.output)})"


_SHAPE = re.compile(r"\(([^()]*)\)")
_DIMENSION = re.compile(r"[A-Za-z_]\w*|\d+")


def _parse_shapes(text: str, whole: str) -> tuple[tuple[str, ...], ...]:
    if text and not re.fullmatch(r"\([^()]*\)(,\([^()]*\))*", text):
        raise SignatureError(
            f"signature {whole!r}: cannot read {text!r}; write it like '(n,i),(o,i)->(n,o)'{_pointer(whole)}"
        )
    return tuple(_parse_shape(inner, whole) for inner in _SHAPE.findall(text))


def _parse_shape(inner: str, whole: str) -> tuple[str, ...]:
    names = tuple(inner.split(",")) if inner else ()
    for position, name in enumerate(names):
        if name == ELLIPSIS and position == 0:
            continue
        if not _DIMENSION.fullmatch(name):
            hint = "'...' comes first" if name == ELLIPSIS else "a dimension is a name or a number"
            raise SignatureError(
                f"signature {whole!r}: {name!r} in ({inner}) is not a dimension; {hint}{_pointer(whole)}"
            )
    return names


# What may follow what: after an opening bracket, a comma within, a dimension, a closing bracket, a comma between.
_NEXT: dict[str, tuple[tuple[str, str], ...]] = {
    "start": ((r"\(", "open"),),
    "open": ((r"\.\.\.|[A-Za-z_]\w*|\d+(?!\w)", "dimension"), (r"\)", "closed")),
    "dimension": ((r",", "within"), (r"\)", "closed")),
    "within": ((r"[A-Za-z_]\w*|\d+(?!\w)", "dimension"),),
    "closed": ((r",", "start"), (r"->", "start")),
}


def _pointer(text: str) -> str:
    """Two lines: the signature, and a caret below the first character that cannot stand where it does."""
    state, position = "start", 0
    while position < len(text):
        if text[position] == " ":
            position += 1
            continue
        for pattern, following in _NEXT[state]:
            match = re.compile(pattern).match(text, position)
            if match:
                state, position = following, match.end()
                break
        else:
            break
    return f"\n  {text}\n  {' ' * position}^"


@dataclass(frozen=True, slots=True)
class Argument:
    """One input of an operation: its name, its domain and whether the backward owes it a gradient."""

    name: str
    domain: Domain
    differentiable: bool = True


@dataclass(frozen=True, slots=True)
class Parameter:
    """A keyword parameter: its default and the range of legal values that verification draws from.

    `integer` parameters are whole numbers: strides, paddings, sizes of windows.

    >>> Parameter("stride", 1, 1, 3, integer=True).maximum
    3
    """

    name: str
    default: float
    minimum: float
    maximum: float
    integer: bool = False

    def __post_init__(self) -> None:
        numbers = (self.default, self.minimum, self.maximum)
        if self.integer and not all(isinstance(number, int) for number in numbers):
            raise SignatureError(f"parameter {self.name}: {numbers} are not all whole numbers; write them as integers")


@dataclass(frozen=True, slots=True)
class Extent:
    """A dimension whose size follows from others and from integer parameters; below 1 the operation is undefined.

    `formula` is integer arithmetic (+, -, *, //, min, parentheses) over their names.

    >>> Extent("o", "(h + 2 * padding - a) // stride + 1").value({"h": 5, "a": 2, "padding": 1, "stride": 2})
    3
    """

    dim: str
    formula: str

    def value(self, names: Mapping[str, int]) -> int:
        """The size, for given sizes and parameters by name. Raises SignatureError for a name that is missing."""
        try:
            return _integer(_parsed(self.formula), names)
        except (SyntaxError, KeyError, TypeError) as error:
            known = ", ".join(names)
            raise SignatureError(
                f"extent of {self.dim}: cannot evaluate {self.formula!r} ({error}); write integer arithmetic "
                f"over {known}"
            ) from error


_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


@cache
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


def _integer(node: ast.expr, names: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(int(value)):
            return value
        case ast.Name(name):
            return int(names[name])
        case ast.BinOp(left, operation, right) if type(operation) in _ARITHMETIC:
            return _ARITHMETIC[type(operation)](_integer(left, names), _integer(right, names))
        case ast.Call(ast.Name("min"), arguments, []):
            return min(_integer(argument, names) for argument in arguments)
    raise TypeError(f"{ast.unparse(node)} is no integer arithmetic")


@dataclass(frozen=True, slots=True)
class Along:
    """The keyword `axis` of an operation along dimension `dim`, which the signature writes last: -1 by default.

    `axis` is any axis of the input, counted from either end; with `several`, also a tuple of axes, which count as one,
    and None for all of them.

    >>> Along("d").several
    False
    """

    dim: str
    several: bool = False


@dataclass(frozen=True, slots=True)
class Packed:
    """A dimension that holds two: `groups`, an integer parameter that says how many, and `rest`, the entries of each.

    Channel c of group normalisation is entry `c % rest` of group `c // rest`. `also` holds further dimensions with
    their `rest`, in the same groups: a grouped convolution has channels in and channels out.
    """

    dim: str
    groups: str
    rest: str
    also: tuple[tuple[str, str], ...] = ()

    @property
    def dims(self) -> dict[str, str]:
        """Every such dimension by the name of its `rest`."""
        return {self.rest: self.dim, **{rest: dim for dim, rest in self.also}}


@dataclass(frozen=True, slots=True)
class Kink:
    """A point where the derivative jumps, and the value declared there.

    `where` is a condition such as `"x == 0"`; `derivative` is the declared slope at it. Both may name a parameter.
    """

    argument: str
    where: str
    derivative: float | str


@dataclass(frozen=True, slots=True)
class Operation:
    """The record at the head of every generated kernel: all that verification needs to know of an operation.

    `saved` names what `forward` hands to `backward`, then what it hands out for layers to track; `reference` is the
    independent implementation, as text; `digest` identifies the definition that the kernel was generated from; `output`
    is the name of the output; `curved` are the arguments whose gradient moves with the arguments: the Hessian-vector
    products of all others are 0. `along` says that there is a keyword `axis`; with `broadcast` the `...` of the
    arguments need not be equal but only broadcast, as NumPy has it; `packed` is a dimension that a parameter divides
    into groups. `extents` gives the dimensions of the output that no input has, such as how many windows a convolution
    finds; those in `nonempty` are never 0.
    """

    name: str
    summary: str
    signature: Signature
    arguments: tuple[Argument, ...]
    saved: tuple[str, ...]
    reference: str
    digest: str
    parameters: tuple[Parameter, ...] = ()
    kinks: tuple[Kink, ...] = ()
    output: str = ""
    curved: tuple[str, ...] = ()
    along: Along | None = None
    broadcast: bool = False
    packed: Packed | None = None
    extents: tuple[Extent, ...] = ()
    nonempty: tuple[str, ...] = ()

    def __hash__(self) -> int:
        """By name and definition: a record is looked up with every call of a layer."""
        return hash((self.name, self.digest))

    @property
    def reduces(self) -> bool:
        """Whether the axis that it runs along is gone from the output: there is a keyword `keepdims` then."""
        return self.along is not None and self.along.dim not in (self.signature.output or ())

    @property
    def differentiable(self) -> tuple[str, ...]:
        """Names of the arguments that `backward` returns a gradient for."""
        return tuple(argument.name for argument in self.arguments if argument.differentiable)
