r"""Index expressions in LaTeX: \hat{x}_{nd}, \mu_c, \delta_{dk}; the same order of terms as in plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from gradlab.documents import boxes
from gradlab.documents.boxes import Box
from gradlab.symbolic.derive import GRAD_OUTPUT
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Affine, Axis, Gather, Index, Scale, Slot, show_slot
from gradlab.symbolic.layout import Entry, Link, Names, Piece, Power, Product, Summation, arrange, links
from gradlab.symbolic.program import Program
from gradlab.symbolic.steps import Pullback, Pushforward, Side
from gradlab.symbolic.tangents import PRODUCT, TANGENT
from gradlab.symbolic.terms import Atom, Constant, Delta, Function, Indicator, Order, Position, Prod, Ref, Size

_GREEK = frozenset(
    {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi"}
    | {"rho", "sigma", "tau", "phi", "chi", "psi", "omega"}
)
_SPECIAL = {GRAD_OUTPUT: "g", "eps": r"\varepsilon"}
SHORT = {"stride": "s", "padding": "p", "dilation": "d", "kernel": "k"}
"""Integer parameters that stand in subscripts: one upright letter each, unlike any index or tensor."""
_ACCENTS = {"_hat": r"\hat", "_bar": r"\bar", "_tilde": r"\tilde"}


def short(parameter: str) -> tuple[str, str] | None:
    """The letter of an integer parameter, and the axis that it is of or "": ("s", "h") for stride_h."""
    base, _, axis = parameter.partition("_")
    return (SHORT[base], axis) if base in SHORT and len(axis) <= 1 else None


def name(tensor: str) -> Box:
    r"""A tensor's name: Greek where it is Greek, `\overline` for a gradient, a dot for a tangent."""
    if tensor in _SPECIAL:
        return Box(_SPECIAL[tensor], 6)
    if tensor.startswith(PRODUCT):
        tensor = f"{TANGENT}grad_{tensor.removeprefix(PRODUCT)}"
    for prefix, accent in (("grad_", r"\overline"), (TANGENT, r"\dot")):
        if tensor.startswith(prefix):
            inner = name(tensor.removeprefix(prefix))
            return Box(f"{accent}{{{inner.tex}}}", inner.width)
    for suffix, accent in _ACCENTS.items():
        if tensor.endswith(suffix):
            inner = name(tensor.removesuffix(suffix))
            return Box(f"{accent}{{{inner.tex}}}", inner.width)
    if found := short(tensor):
        letter, axis = found
        return Box(rf"\mathsf{{{letter}}}" + (f"_{{{axis}}}" if axis else ""), 8 if axis else 5)
    if tensor in _GREEK:
        return Box(f"\\{tensor}", 6)
    if len(tensor) == 1:
        return boxes.letters(tensor)
    return boxes.letters(tensor, rf"\mathit{{{tensor.replace('_', chr(92) + '_')}}}")


def index(text: str) -> str:
    """The name of an index."""
    letter = text.rstrip("'")
    primes = text[len(letter) :]
    return text if len(letter) == 1 else rf"\mathit{{{letter}}}{primes}"


def size(axis: Axis) -> Box:
    """The size of an axis."""
    return name(axis.size)


def subscripts(indices: Sequence[str]) -> Box:
    """Indices beside each other; with commas where one is longer than a letter."""
    separator = "," if any(len(i.rstrip("'")) > 1 or "_" in i for i in indices) else ""
    return Box(separator.join(map(index, indices)), boxes.letters("".join(indices)).width)


def entry(item: Entry) -> Box:
    """A tensor with its indices."""
    tensor, indices = item
    return boxes.subscript(name(tensor), subscripts(indices)) if indices else name(tensor)


def terms(side: Side, program: Program, free: Sequence[Index]) -> list[Box]:
    """The terms of one side of a step, with their signs: what a line may be broken between."""
    if isinstance(side, Pullback | Pushforward):
        pulled = isinstance(side, Pullback)
        found = boxes.signed((False, _link(item, weight_first=pulled)) for item in links(side, program, free))
        return found or [Box("0", 5)]
    return _addition(arrange(side, program, free))


def escaped(text: str) -> str:
    """Plain text for LaTeX."""
    special = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    return re.sub(
        r"[\\^~#$%&_{}<>]", lambda match: special.get(c := match[0], f"${c}$" if c in "<>" else f"\\{c}"), text
    )


def _addition(products: Sequence[Product]) -> list[Box]:
    if len(products) == 1 and products[0].bracket:
        return _bracketed(products[0])
    return boxes.signed((product.negative, _product(product)) for product in products) or [Box("0", 5)]


def _bracketed(product: Product) -> list[Box]:
    """A factor times a long sum: a line may be broken between the terms of the sum."""
    front = _fraction(product)
    inner = _addition(product.bracket)
    first = Box(
        rf"{'-' if product.negative else ''}{front.tex} \Bigl( {inner[0].tex}", front.width + 12 + inner[0].width
    )
    result = [first, *inner[1:]]
    result[-1] = Box(rf"{result[-1].tex} \Bigr)", result[-1].width + 7)
    return result


def _product(product: Product) -> Box:
    fraction = _fraction(product)
    if not product.bracket:
        return fraction
    inner = boxes.bracket(_row_of(product.bracket))
    return boxes.row([fraction, inner])


def _row_of(products: Sequence[Product]) -> Box:
    parts = _addition(products)
    return Box(" ".join(part.tex for part in parts), sum(part.width for part in parts))


def _fraction(product: Product) -> Box:
    """Sums stand beside the fraction, everything else on it."""
    sums = [_piece(piece) for piece in product.above if isinstance(piece, Summation)]
    above = [_piece(piece) for piece in product.above if not isinstance(piece, Summation)]
    if not product.below:
        parts = [*above, *sums]
        return boxes.row(parts) if parts else Box("" if product.bracket else "1", 5)
    below = boxes.row([_piece(piece) for piece in product.below])
    front = boxes.fraction(boxes.row(above) if above else Box("1", 5), below)
    return boxes.row([front, *sums])


def _piece(piece: Piece) -> Box:
    match piece:
        case int() | float():
            return boxes.letters(str(piece))
        case Power(atom, exponent, names, arguments):
            return _power(_atom(atom, names, arguments), atom, exponent)
        case Summation(indices, inside, names):
            return boxes.summation(subscripts([names[item] for item in indices]), _product(inside))


def _power(base: Box, atom: Atom, exponent: Fraction) -> Box:
    if exponent == 1:
        return base
    if exponent == Fraction(1, 2):
        return Box(rf"\sqrt{{{base.tex}}}", base.width + 9)
    if isinstance(atom, Function | Indicator | Prod):
        base = Box(f"({base.tex})", base.width + 8)
    shown = str(exponent)
    return boxes.superscript(base, shown)


def _slot(slot: Slot, names: Names) -> str:
    if isinstance(slot, Index):
        return index(names.get(slot, slot.name))
    if isinstance(slot, Affine):
        one = Scale(1)
        parts = [index(names.get(item, item.name)) if s == one else _multiple(s, item, names) for s, item in slot.parts]
        return "+".join(parts) + "".join(f"{'-' if s.number < 0 else '+'}{_scale(s)}" for s in slot.offset)
    inner = "".join(index(names.get(item, item.name)) for item in slot.slots)
    coordinate = rf"^{{{index(slot.axis.name)}}}" if slot.plane else ""
    return rf"{name(slot.tensor).tex}{coordinate}_{{{inner}}}"


def _multiple(scale: Scale, item: Index, names: Names) -> str:
    return rf"{_scale(scale)}\,{index(names.get(item, item.name))}"


def _scale(scale: Scale) -> str:
    """A multiple without its sign."""
    number = [] if abs(scale.number) == 1 and scale.parameters else [str(abs(scale.number))]
    return r"\,".join([*number, *(name(parameter).tex for parameter in scale.parameters)])


def _slots(slots: Sequence[Slot], names: Names) -> Box:
    separator = "" if all(isinstance(slot, Index) for slot in slots) else ","
    shown = [_slot(slot, names) for slot in slots]
    plain = "".join(_plain(slot, names) for slot in slots)
    return Box(separator.join(shown), boxes.letters(plain).width)


def _plain(slot: Slot, names: Names) -> str:
    """Letters about as wide as the slot."""
    if isinstance(slot, Gather):
        return slot.tensor + "nn"
    shown = show_slot(slot, lambda item: names.get(item, item.name)).replace(" ", "")
    return re.sub(f"({'|'.join(SHORT)})(_[a-z])?", "s", shown).replace("*", "")


def _atom(atom: Atom, names: Names, arguments: Sequence[Product]) -> Box:
    inside = [_row_of([argument]) for argument in arguments]
    width = sum(box.width for box in inside)
    match atom:
        case Ref(tensor, ()):
            return name(tensor)
        case Ref(tensor, slots):
            return boxes.subscript(name(tensor), _slots(slots, names))
        case Delta(left, right):
            return boxes.subscript(Box(r"\delta", 5), _slots([left, right], names))
        case Size(axis):
            return size(axis)
        case Constant("pi"):
            return Box(r"\pi", 6)
        case Constant(number):
            return boxes.letters(number)
        case Function(function):
            template = ELEMENTARY[function].latex or rf"\operatorname{{{{{escaped(function)}}}}}({{0}})"
            shown = template.format(*(box.tex for box in inside))
            # 28 points are \exp() and more than \max(, 0) needs beside its argument; an operator's name may be longer.
            return Box(shown, width + max(28, 9 + 5 * len(function)))
        case Indicator(_, ()):
            return Box(rf"[{inside[0].tex} > 0]", width + 26)
        case Indicator(_, _, closed):
            sign = r" \le " if closed else " < "
            return Box(f"[{sign.join((inside[1].tex, inside[0].tex, inside[2].tex))}]", width + 40)
        case Position(searched):
            over = subscripts([names[item] for item in searched.bound])
            return boxes.row([boxes.subscript(Box(r"\operatorname{argmax}", 36), over), *inside])
        case Order(left, right):
            plain = _slots([left, right], names)
            return Box(rf"[{_slot(left, names)} \le {_slot(right, names)}]", plain.width + 26)
        case Prod(term, without):
            (running,) = (index(names[item]) for item in term.bound)
            places = rf" \ne {', '.join(_slot(slot, names) for slot in without)}" if without else ""
            return Box(rf"\prod_{{{running}{places}}} {inside[0].tex}", width + 16 + 8 * len(without))


def _link(link: Link, *, weight_first: bool) -> Box:
    weight, value, variable = map(entry, (link.weight, link.value, link.variable))
    above, below = (Box(rf"\partial {part.tex}", part.width + 6) for part in (value, variable))
    slope = boxes.fraction(above, below)
    product = boxes.row([weight, slope] if weight_first else [slope, weight])
    return boxes.summation(subscripts(link.summed), product) if link.summed else product
