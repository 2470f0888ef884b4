"""Functions in algebraic normal form: two that have the same one compute the same, up to rounding.

Sums and products become polynomials with rational coefficients in atoms (names, calls, subscripts, …), as they hold
element by element under broadcasting: x + x and x * 2 are one form, and so are a * (b + c) and a * b + a * c. A
reciprocal is an atom of its own that cancels with nothing, and a form remembers the atoms that cancelled: x / x is not
1 where x is 0, and x - x + y may have another shape than y. Names that are never read are left out with their values,
where these do nothing else.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from fractions import Fraction

from gradlab.mutate.difference import Comparison
from gradlab.mutate.generate import Mutant
from gradlab.mutate.source import FunctionNode, Source

# A product: how often each atom occurs in it. A polynomial: the coefficient of each product.
Product = tuple[tuple[str, int], ...]
Polynomial = dict[Product, Fraction]

# A sum of more products than this is kept as it is written.
_LARGEST = 64

_ONE: Polynomial = {(): Fraction(1)}


def normal_form(function: FunctionNode) -> str:
    r"""The form as text; equal texts mean equal functions.

    >>> f, g = (ast.parse(f"def f(x, y):\n    return {body}").body[0] for body in ("x * 2 - y", "-y + (x + x)"))
    >>> normal_form(f) == normal_form(g)
    True
    """
    read = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    lines = [_statement(statement, read) for statement in function.body]
    defaults = [*function.args.defaults, *(node for node in function.args.kw_defaults if node is not None)]
    return "\n".join([*map(_text, defaults), *(line for line in lines if line)])


def proofs(source: Source, mutants: Sequence[Mutant]) -> dict[int, Comparison]:
    """The mutants, by position, that have the normal form of their original."""
    forms = {name: normal_form(source.function(name)) for name in {mutant.function for mutant in mutants}}
    proved = Comparison("proved", "proved: the same algebraic normal form")
    return {
        k: proved
        for k, mutant in enumerate(mutants)
        if normal_form(Source(source.path, mutant.text).function(mutant.function)) == forms[mutant.function]
    }


def _statement(node: ast.stmt, read: set[str]) -> str:
    if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return ""
    if isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if len(names) == len(node.targets) and not read.intersection(names) and _pure(node.value):
            return ""
        targets = " = ".join(_written(target, read) for target in node.targets)
        return f"{targets} = {_text(node.value)}"
    fields = []
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            inner = [_statement(item, read) if isinstance(item, ast.stmt) else _text(item) for item in value]
            fields.append(f"{name}=[{'; '.join(text for text in inner if text)}]")
        elif isinstance(value, ast.AST):
            fields.append(f"{name}={_text(value)}")
        else:
            fields.append(f"{name}={value!r}")
    return f"{type(node).__name__}({', '.join(fields)})"


def _written(target: ast.expr, read: set[str]) -> str:
    # Of several names, one that is never read still has its place.
    if isinstance(target, ast.Tuple):
        return f"({', '.join(_written(element, read) for element in target.elts)})"
    return "_" if isinstance(target, ast.Name) and target.id not in read else _text(target)


def _pure(node: ast.expr) -> bool:
    """True where computing the value does nothing else, not even raise: x.shape[1] may."""
    return isinstance(node, ast.Name | ast.Constant)


def _text(node: ast.AST) -> str:
    """Any node as text, its arithmetic in normal form."""
    if isinstance(node, ast.BinOp | ast.UnaryOp) or _is_number(node):
        terms, atoms = _polynomial(node)
        # Never the bare name of a lone atom: a * 1 is a new array, a is the caller's own.
        body = " + ".join(f"{coefficient}*{product}" for product, coefficient in sorted(terms.items()))
        return f"<{body} | {sorted(atoms)}>"
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Gt | ast.GtE):
        mirrored = "Lt" if isinstance(node.ops[0], ast.Gt) else "LtE"
        return f"{mirrored}({_text(node.comparators[0])}, {_text(node.left)})"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        return f"{type(node.ops[0]).__name__}({_text(node.left)}, {_text(node.comparators[0])})"
    if isinstance(node, ast.Name):
        return node.id
    fields = []
    for name, value in ast.iter_fields(node):
        if name in ("ctx", "type_comment", "kind"):
            continue
        items = value if isinstance(value, list) else [value]
        shown = [_text(item) if isinstance(item, ast.AST) else repr(item) for item in items]
        fields.append(", ".join(sorted(shown) if name == "keywords" else shown))
    return f"{type(node).__name__}({'; '.join(fields)})"


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _polynomial(node: ast.AST) -> tuple[Polynomial, set[str]]:
    """The polynomial, and every atom that went into it, cancelled ones too."""
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        # 2.0 makes floats of integers, 2 does not.
        return {(): Fraction(repr(value))} if value else {}, {"float"} if isinstance(value, float) else set()
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        terms, atoms = _polynomial(node.operand)
        factor = -1 if isinstance(node.op, ast.USub) else 1
        return {product: factor * coefficient for product, coefficient in terms.items()}, atoms
    if isinstance(node, ast.BinOp):
        found = _binary(node)
        if found is not None and len(found[0]) <= _LARGEST:
            return found
        name = f"{type(node.op).__name__}({_text(node.left)}; {_text(node.right)})"
        return {((name, 1),): Fraction(1)}, {name}
    name = _text(node)
    return {((name, 1),): Fraction(1)}, {name}


def _binary(node: ast.BinOp) -> tuple[Polynomial, set[str]] | None:
    if isinstance(node.op, ast.Pow):
        exponent = node.right.value if isinstance(node.right, ast.Constant) else None
        if type(exponent) is not int or not 1 <= exponent <= 4:
            return None
        base, atoms = _polynomial(node.left)
        power = _ONE
        for _ in range(exponent):
            power = _product(power, base)
        return power, atoms
    if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        return None
    left, atoms = _polynomial(node.left)
    right, more = _polynomial(node.right)
    if isinstance(node.op, ast.Mult):
        return _product(left, right), atoms | more
    if isinstance(node.op, ast.Div):
        divided = _reciprocal(node.right, right)
        return _product(left, divided), atoms | more | {"float"}
    factor = 1 if isinstance(node.op, ast.Add) else -1
    total = dict(left)
    for product, coefficient in right.items():
        total[product] = total.get(product, Fraction(0)) + factor * coefficient
    return {product: coefficient for product, coefficient in total.items() if coefficient}, atoms | more


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for a, p in left.items():
        for b, q in right.items():
            powers = dict(a)
            for atom, power in b:
                powers[atom] = powers.get(atom, 0) + power
            product = tuple(sorted(powers.items()))
            result[product] = result.get(product, Fraction(0)) + p * q
    return {product: coefficient for product, coefficient in result.items() if coefficient}


def _reciprocal(node: ast.expr, terms: Polynomial) -> Polynomial:
    """1 / node: of a single product factor by factor, of a sum as one atom."""
    if len(terms) != 1:
        return {((f"1/({_text(node)})", 1),): Fraction(1)}
    ((product, coefficient),) = terms.items()
    return {tuple(sorted((f"1/({atom})", power) for atom, power in product)): 1 / coefficient}
