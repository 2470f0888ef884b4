"""An operation's record as source text, formatted as the formatter leaves it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable

from gradlab.codegen.sizes import parenthesised
from gradlab.operation import Domain, Extent, Kink, Operation, Parameter

_WIDTH = 120


def imports(operation: Operation, *, helpers: list[str], math: bool, numpy: bool) -> str:
    """The import lines that the record and the kernel need."""
    names = {"Argument", "Operation", "Signature"} | {argument.domain.kind for argument in operation.arguments}
    names |= {"Parameter"} if operation.parameters else set()
    names |= {"Kink"} if operation.kinks else set()
    names |= {"Along"} if operation.along else set()
    names |= {"Extent"} if operation.extents else set()
    names |= {"Packed"} if operation.packed else set()
    # ruff's import order: classes first, then functions, each by name
    ordered = sorted(names, key=lambda name: (name[0].islower(), name))
    return (
        f"{'import math' + chr(10) if math else ''}from typing import Any\n\n"
        f"{'import numpy as np' + chr(10) if numpy else ''}from numpy.typing import NDArray\n\n"
        f"{''.join(helper + chr(10) for helper in helpers)}"
        f"from gradlab.operation import {', '.join(ordered)}\n"
    )


def literal(operation: Operation) -> str:
    """`OPERATION = Operation(...)` with its fields, a line each."""
    lines = [
        "OPERATION = Operation(",
        f'    name="{operation.name}",',
        f'    summary="{operation.summary}",',
        f'    signature=Signature.parse("{operation.signature}"),',
        *_tuple_of("arguments", [_argument(a.name, a.domain, a.differentiable) for a in operation.arguments]),
        f"    saved={_tuple(operation.saved)},",
        *_reference(operation.reference),
        f'    digest="{operation.digest}",',
    ]
    if operation.parameters:
        lines += _tuple_of("parameters", [_parameter(parameter) for parameter in operation.parameters])
    if operation.kinks:
        lines += _tuple_of("kinks", [_kink(kink) for kink in operation.kinks])
    if operation.along:
        lines.append(f'    along=Along("{operation.along.dim}"{", several=True" if operation.along.several else ""}),')
    if operation.broadcast:
        lines.append("    broadcast=True,")
    if operation.packed:
        packed = operation.packed
        also = ", ".join(f'("{dim}", "{rest}")' for dim, rest in packed.also)
        shown = f'"{packed.dim}", "{packed.groups}", "{packed.rest}"{f", also=({also},)" if also else ""}'
        lines.append(f"    packed=Packed({shown}),")
    if operation.extents:
        lines += _tuple_of("extents", [_extent(extent) for extent in operation.extents])
    if operation.nonempty:
        lines.append(f"    nonempty={_tuple(operation.nonempty)},")
    lines.append(f'    output="{operation.output}",')
    if operation.curved:
        lines.append(f"    curved={_tuple(operation.curved)},")
    return "\n".join([*lines, ")", ""])


def _tuple_of(field: str, shown: list[str]) -> list[str]:
    """One line for one item, a line each for several, as the formatter leaves them."""
    if len(shown) == 1:
        return [f"    {field}=({shown[0]},),"]
    return [f"    {field}=(", *(f"        {item}," for item in shown), "    ),"]


def _extent(extent: Extent) -> str:
    shown = f'Extent("{extent.dim}", "{extent.formula}")'
    if len(shown) + 9 <= _WIDTH:
        return shown
    parts = [f'"{extent.dim}",', *_parts(extent.formula, _WIDTH - 15)]
    return "\n".join(["Extent(", *(f"            {part}" for part in parts)]) + ",\n        )"


def _reference(text: str) -> list[str]:
    shown = f"    reference={_quoted(text)},"
    if len(shown) <= _WIDTH:
        return [shown]
    return ["    reference=(", *(f"        {part}" for part in _parts(text, _WIDTH - 10)), "    ),"]


def _parts(text: str, width: int) -> list[str]:
    """A long text as strings side by side, apart at blanks, which stay with the string before."""
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return [_quoted(f"{line} ") for line in lines[:-1]] + [_quoted(lines[-1])]


def _parameter(parameter: Parameter) -> str:
    marked = ", integer=True" if parameter.integer else ""
    bounds = f"{parameter.default!r}, {parameter.minimum!r}, {parameter.maximum!r}"
    return f'Parameter("{parameter.name}", {bounds}{marked})'


def _kink(kink: Kink) -> str:
    derivative = f'"{kink.derivative}"' if isinstance(kink.derivative, str) else repr(kink.derivative)
    return f'Kink("{kink.argument}", where="{kink.where}", derivative={derivative})'


def _quoted(text: str) -> str:
    """As the formatter quotes it: without a backslash where that can be."""
    return f"'{text}'" if '"' in text else f'"{text}"'


def _tuple(names: Iterable[str]) -> str:
    shown = [f'"{name}"' for name in names]
    return parenthesised(shown)


def _argument(name: str, domain: Domain, differentiable: bool) -> str:
    marked = "" if differentiable else ", differentiable=False"
    return f'Argument("{name}", {domain_text(domain)}{marked})'


def domain_text(domain: Domain) -> str:
    """A domain as the call that builds it."""
    match domain.kind:
        case "real" if (domain.minimum, domain.maximum) != (-math.inf, math.inf):
            return f"real({_bound(domain.minimum)}, {_bound(domain.maximum)})"
        case "integers":
            return f"integers({int(domain.minimum)}, {int(domain.maximum)})"
        case "labels":
            return f'labels("{domain.below}")'
        case "mask":
            return f"mask({domain.probability!r})"
        case "simplex":
            return "simplex(zeros=True)" if domain.zeros else "simplex()"
        case kind:
            return f"{kind}()"


def _bound(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'
