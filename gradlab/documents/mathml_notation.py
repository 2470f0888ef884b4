"""Index expressions in MathML, in the same order of terms as in all formats. A new atom is one case of `_atom`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from html import escape

from gradlab.documents.latex_notation import short
from gradlab.symbolic.derive import GRAD_OUTPUT
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Affine, Axis, Gather, Index, Scale, Slot
from gradlab.symbolic.layout import Entry, Link, Names, Piece, Power, Product, Summation, arrange, links
from gradlab.symbolic.program import Program
from gradlab.symbolic.steps import Pullback, Pushforward, Side
from gradlab.symbolic.tangents import PRODUCT, TANGENT
from gradlab.symbolic.terms import Atom, Constant, Delta, Function, Indicator, Order, Position, Prod, Ref, Size

_GREEK = {
    **dict(zip(("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"), "αβγδϵζηθ", strict=True)),
    **dict(zip(("kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau"), "κλμνξπρστ", strict=True)),
    **dict(zip(("phi", "chi", "psi", "omega", "eps"), "ϕχψωε", strict=True)),
}
_ACCENTS = {"_hat": "^", "_bar": "‾", "_tilde": "~"}
_PREFIXES = {"grad_": "‾", TANGENT: "˙"}
_TALL = ("<mfrac", "<munder", "<mtable", "<msqrt")
_SYMBOLS = {"sigmoid": "σ", "normal_cdf": "Φ", "normal_pdf": "φ"}
_PLACES = ("{0}", "{1}", "{2}")
_THIN = '<mspace width="0.16em"></mspace>'


def identifier(text: str) -> str:
    """A name as it stands."""
    return f"<mi>{escape(text)}</mi>"


def number(text: object) -> str:
    """A number; a minus sign in front is an operator."""
    shown = escape(str(text))
    return f"<mrow><mo>−</mo><mn>{shown[1:]}</mn></mrow>" if shown.startswith("-") else f"<mn>{shown}</mn>"


def operator(text: str, *, prefix: bool = False) -> str:
    """An operator; a sign in front of a first term has no space after it."""
    form = ' form="prefix"' if prefix else ""
    return f"<mo{form}>{escape(text)}</mo>"


def row(parts: Sequence[str]) -> str:
    """Parts beside each other."""
    return parts[0] if len(parts) == 1 else f"<mrow>{''.join(parts)}</mrow>"


def factors(parts: Sequence[str]) -> str:
    """Factors beside each other, a thin space between them."""
    return row(parts) if len(parts) == 1 else f"<mrow>{_THIN.join(parts)}</mrow>"


def fraction(above: str, below: str) -> str:
    """above over below."""
    return f"<mfrac>{above}{below}</mfrac>"


def bracket(inside: str, left: str = "(", right: str = ")") -> str:
    """inside in brackets that grow with it; those that need not grow stand closer."""
    kind = 'fence="true"' if any(tag in inside for tag in _TALL) else 'fence="true" stretchy="false"'
    return f"<mrow><mo {kind}>{left}</mo>{inside}<mo {kind}>{right}</mo></mrow>"


def accent(base: str, mark: str) -> str:
    """A mark above a name."""
    if mark == "‾" and len(re.sub(r"<[^>]*>", "", base)) > 1:  # few fonts have an overline that stretches
        return f'<mrow style="border-top: 0.06em solid; padding-top: 0.12em">{base}</mrow>'
    return f'<mover accent="true">{base}<mo stretchy="false">{mark}</mo></mover>'


def name(tensor: str) -> str:
    """A tensor's name: Greek where it is Greek, a bar for a gradient, a dot for a tangent."""
    if tensor == GRAD_OUTPUT:
        return identifier("g")
    if tensor.startswith(PRODUCT):  # the tangent of a gradient
        return accent(name(f"grad_{tensor.removeprefix(PRODUCT)}"), "˙")
    for prefix, mark in _PREFIXES.items():
        if tensor.startswith(prefix):
            return accent(name(tensor.removeprefix(prefix)), mark)
    for suffix, mark in _ACCENTS.items():
        if tensor.endswith(suffix):
            return accent(name(tensor.removesuffix(suffix)), mark)
    if found := short(tensor):  # as in LaTeX, a letter of another kind than those of indices
        letter = identifier(chr(ord("\N{MATHEMATICAL SANS-SERIF SMALL A}") + ord(found[0]) - ord("a")))
        return f"<msub>{letter}{index(found[1])}</msub>" if found[1] else letter
    return identifier(_GREEK.get(tensor, tensor))


def index(text: str) -> str:
    """The name of an index."""
    letter = text.rstrip("'")
    # A prime in a script of its own would be too small to see below a letter that is small already.
    primes = "\N{PRIME}" * (len(text) - len(letter))
    italic = letter
    if len(letter) == 1 and "a" <= letter <= "z" and letter != "h":  # Unicode has no italic h among its italics
        italic = chr(ord("\N{MATHEMATICAL ITALIC SMALL A}") + ord(letter) - ord("a"))
    return identifier(italic + primes) if primes else identifier(letter)


def size(axis: Axis) -> str:
    """The size of an axis."""
    return name(axis.size)


def subscripts(indices: Sequence[str]) -> str:
    """Indices beside each other; with commas where one is longer than a letter."""
    separator = operator(",") if any(len(i.rstrip("'")) > 1 for i in indices) else ""
    return f"<mrow>{separator.join(map(index, indices))}</mrow>"


def entry(item: Entry) -> str:
    """A tensor with its indices."""
    tensor, indices = item
    return f"<msub>{name(tensor)}{subscripts(indices)}</msub>" if indices else name(tensor)


def slope(above: Entry, below: Entry) -> str:
    """The partial derivative of one entry by another."""
    return fraction(*(f"<mrow><mo>∂</mo>{entry(item)}</mrow>" for item in (above, below)))


def terms(side: Side, program: Program, free: Sequence[Index]) -> list[str]:
    """The terms of one side of a step, with their signs: what a line may be broken between."""
    if isinstance(side, Pullback | Pushforward):
        pulled = isinstance(side, Pullback)
        return _signed([(False, _link(item, weight_first=pulled)) for item in links(side, program, free)]) or [
            number(0)
        ]
    return _addition(arrange(side, program, free))


def _signed(parts: Sequence[tuple[bool, str]]) -> list[str]:
    shown: list[str] = []
    for negative, part in parts:
        if not shown:
            shown.append(f"<mrow>{operator('−', prefix=True)}{part}</mrow>" if negative else part)
        else:
            shown.append(f'<mrow><mo form="infix">{"−" if negative else "+"}</mo>{part}</mrow>')
    return shown


def _addition(products: Sequence[Product]) -> list[str]:
    if not products:
        return [number(0)]
    return _signed([(product.negative, _product(product)) for product in products])


def _product(product: Product) -> str:
    front = _fraction(product)
    if not product.bracket:
        return front
    inner = bracket("".join(_addition(product.bracket)))
    return factors([front, inner]) if front else inner


def _fraction(product: Product) -> str:
    """Sums stand beside the fraction, everything else on it."""
    sums = [_piece(piece) for piece in product.above if isinstance(piece, Summation)]
    above = [_piece(piece) for piece in product.above if not isinstance(piece, Summation)]
    if not product.below:
        parts = [*above, *sums]
        return factors(parts) if parts else "" if product.bracket else number(1)
    below = factors([_piece(piece) for piece in product.below])
    return factors([fraction(factors(above) if above else number(1), below), *sums])


def _piece(piece: Piece) -> str:
    match piece:
        case int() | float():
            return number(piece)
        case Power(atom, exponent, names, arguments):
            return _power(_atom(atom, names, arguments), atom, exponent)
        case Summation(indices, inside, names):
            below = subscripts([names[item] for item in indices])
            return _over("∑", below, _product(inside))


def _power(base: str, atom: Atom, exponent: Fraction) -> str:
    if exponent == 1:
        return base
    if exponent == Fraction(1, 2):
        return f"<msqrt>{base}</msqrt>"
    if isinstance(atom, Function | Indicator | Prod):
        base = bracket(base)
    shown = number(exponent)
    if exponent.denominator != 1:
        shown = f"<mrow>{number(exponent.numerator)}<mo>/</mo>{number(exponent.denominator)}</mrow>"
    if base.startswith("<msub>"):  # the power stands above the index, not behind it
        return f"<msubsup>{base.removeprefix('<msub>').removesuffix('</msub>')}{shown}</msubsup>"
    return f"<msup><mrow>{base}</mrow>{shown}</msup>"


def _slot(slot: Slot, names: Names) -> str:
    match slot:
        case Index():
            return index(names.get(slot, slot.name))
        case Gather(tensor, slots, axis, plane):
            inner = "".join(index(names.get(item, item.name)) for item in slots)
            if plane:  # one coordinate of a place
                return f"<msubsup>{name(tensor)}<mrow>{inner}</mrow>{index(axis.name)}</msubsup>"
            return f"<msub>{name(tensor)}<mrow>{inner}</mrow></msub>"
        case Affine(parts, offset):
            shown = [_multiple(scale, index(names.get(item, item.name))) for scale, item in parts]
            numbers = (f"{operator('−' if s.number < 0 else '+')}{_scale(s)}" for s in offset)
            return operator("+").join(shown) + "".join(numbers)


def _multiple(scale: Scale, item: str) -> str:
    return item if scale == Scale(1) else factors([_scale(scale), item])


def _scale(scale: Scale) -> str:
    """A multiple without its sign."""
    front = [] if abs(scale.number) == 1 and scale.parameters else [number(abs(scale.number))]
    return factors([*front, *map(name, scale.parameters)])


def _slots(slots: Sequence[Slot], names: Names) -> str:
    separator = "" if all(isinstance(slot, Index) for slot in slots) else operator(",")
    return f"<mrow>{separator.join(_slot(slot, names) for slot in slots)}</mrow>"


def _atom(atom: Atom, names: Names, arguments: Sequence[Product]) -> str:
    inside = ["".join(_addition([argument])) for argument in arguments]
    match atom:
        case Ref(tensor, ()):
            return name(tensor)
        case Ref(tensor, slots):
            return f"<msub>{name(tensor)}{_slots(slots, names)}</msub>"
        case Delta(left, right):
            return f"<msub>{identifier('δ')}{_slots([left, right], names)}</msub>"
        case Size(axis):
            return size(axis)
        case Constant(constant):
            return identifier("π") if constant == "pi" else number(constant)
        case Function(function):
            return _function(ELEMENTARY[function].text or f"{function}({', '.join(_PLACES[: len(inside)])})", inside)
        case Order(left, right):
            return bracket(f"{_slot(left, names)}{operator('≤')}{_slot(right, names)}", "[", "]")
        case Prod(term, without):
            (running,) = (index(names[item]) for item in term.bound)
            gone = f"{operator('≠')}{operator(',').join(_slot(slot, names) for slot in without)}" if without else ""
            return _over("∏", f"<mrow>{running}{gone}</mrow>", inside[0])
        case Position(searched):
            over = subscripts([names[item] for item in searched.bound])
            return factors([f"<munder>{identifier('argmax')}{over}</munder>", *inside])
        case Indicator(_, ()):
            return bracket(f"{inside[0]}{operator('>')}{number(0)}", "[", "]")
        case Indicator(_, _, closed):
            sign = operator("≤" if closed else "<")
            return bracket(sign.join((inside[1], inside[0], inside[2])), "[", "]")
        case Position(searched):
            over = operator(",").join(index(names[item]) for item in searched.bound)
            return f"<mrow><msub>{identifier('argmax')}<mrow>{over}</mrow></msub>{bracket(inside[0])}</mrow>"


def _function(template: str, inside: Sequence[str]) -> str:
    """What plain text writes as max({0}, 0), |{0}| or {0}**{1}."""

    def filled(part: str) -> str:
        return inside[int(part[1:-1])] if part.startswith("{") else number(part)

    if template.startswith("|"):
        return bracket(filled(template.strip("|")), "|", "|")
    base, power, exponent = template.partition("**")
    if power:
        return f"<msup><mrow>{filled(base)}</mrow><mrow>{filled(exponent)}</mrow></msup>"
    function, _, rest = template.partition("(")
    parts = operator(",").join(filled(part) for part in rest.removesuffix(")").split(", "))
    return f"<mrow>{identifier(_SYMBOLS.get(function, function))}<mo>&#x2061;</mo>{bracket(parts)}</mrow>"


def _link(link: Link, *, weight_first: bool) -> str:
    weight, change = entry(link.weight), slope(link.value, link.variable)
    product = factors([weight, change] if weight_first else [change, weight])
    if not link.summed:
        return product
    return _over("∑", subscripts(link.summed), product)


def _over(sign: str, below: str, inside: str) -> str:
    return f'<mrow><munder><mo movablelimits="false">{sign}</mo>{below}</munder>{inside}</mrow>'
