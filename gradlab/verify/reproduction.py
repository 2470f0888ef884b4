"""A short program that shows the failure again, with NumPy and the code under test only."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array, Subject
from gradlab.verify.case import Case
from gradlab.verify.specification import Specification
from gradlab.verify.violation import Violation

# Longer arrays would not fit on a screen.
_LONGEST = 64


# Laws whose failure shows as one number against a difference of forward, or against a scaled upstream gradient.
_COMPARED = ("value", "stability", "kinks")
_SCALED = ("linearity", "edges")


def reproduction(subject: Subject, specification: Specification, violation: Violation, case: Case) -> str:
    """Source that prints what backward gives beside what it should give; "" where the arrays are too long to print."""
    # The law "sharing" passes one array as two arguments.
    head = prelude(subject, specification, case, case.shared if violation.law == "sharing" else None)
    names = [argument.name for argument in specification.arguments]
    params = "".join(f", {name}={value!r}" for name, value in case.params.items())
    if not head:
        return ""
    if violation.argument not in names or violation.law not in (*_COMPARED, *_SCALED):
        return f'{head}\nprint("backward:", backward(grad_output, {", ".join(names)}{params}))'
    compare = _scaled if violation.law in _SCALED else _compared
    return "\n".join([head, *compare(violation, names.index(violation.argument), names, params, case)])


def prelude(subject: Subject, specification: Specification, case: Case, twins: tuple[int, int] | None = None) -> str:
    """The imports and the arrays, those of `twins` as one; "" where the arrays are too long to print."""
    arrays = [*case.inputs, *([] if case.grad_output is None else [case.grad_output])]
    if sum(array.size for array in arrays) > _LONGEST or case.grad_output is None:
        return ""
    names = [*(argument.name for argument in specification.arguments), "grad_output"]
    lines = ["import numpy as np", *_imports(subject.source), ""]
    for k, (name, array, layout) in enumerate(zip(names, arrays, case.layouts, strict=True)):
        if twins is not None and k == twins[1]:
            lines.append(f"{name} = {names[twins[0]]}  # the same array")
        else:
            lines.append(f"{name} = {_placed(literal(array), layout, array.ndim)}")
    return "\n".join(lines)


def _imports(source: str) -> list[str]:
    """`from m import f as forward, g as backward` for the four lines that say the same."""
    text = re.sub(r"^from (\S+) import (\w+)\n(\w+) = \2$", r"from \1 import \2 as \3", source, flags=re.MULTILINE)
    text = re.sub(r"^from (\S+) import (.+)\nfrom \1 import (.+)$", r"from \1 import \2, \3", text, flags=re.MULTILINE)
    return text.splitlines()


def literal(array: Array) -> str:
    """`np.array([[1.0, 2.0]])`, exact; the dtype where NumPy would choose another, the shape where it is empty."""
    dtype = "" if str(array.dtype) in ("float64", "int64", "bool") else f', dtype="{array.dtype}"'
    if not array.size:
        return f'np.zeros({array.shape}, dtype="{array.dtype}")'
    text = np.array2string(
        array, separator=", ", threshold=10_000, max_line_width=10_000, formatter={"float_kind": lambda x: _number(x)}
    )
    return f"np.array({' '.join(text.split())}{dtype})"


def _number(value: np.floating[Any]) -> str:
    if not np.isfinite(value):
        return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}[str(float(value))]
    return str(float(np.float64(value))) if value.dtype == np.float64 else str(value)


def _placed(text: str, layout: str, ndim: int) -> str:
    if not ndim or layout in ("C", "read-only", "misaligned"):
        return text
    if layout == "broadcast":
        return f"(lambda a: np.broadcast_to(a[:1], a.shape))({text})"
    if layout in ("F", "transposed"):
        return f"np.asfortranarray({text})"
    if layout == "negative stride":
        flip = ", ".join(["::-1"] * ndim)
        return f"np.array({text}[{flip}])[{flip}]"
    return f"np.repeat({text}, 2, axis=-1)[..., ::2]"


def _compared(violation: Violation, k: int, names: list[str], params: str, case: Case) -> list[str]:
    name, index = names[k], violation.evidence.get("index", ())
    at = ", ".join(map(str, index)) if isinstance(index, tuple) and index else "()"
    element = f"{_gradient('grad_output', k, names, params)}[{at}]"
    value = case.inputs[k][index] if isinstance(index, tuple) and len(index) == case.inputs[k].ndim else 1.0
    step = 1e-6 * max(1.0, float(f"{abs(float(value)):.1g}"))
    wide = f"{name}.astype(float)" if case.dtype == "float32" else name
    up, down = (_forward({name: f"{wide} {sign} h"}, names, params) for sign in "+-")
    return [
        f"h = np.zeros({name}.shape); h[{at}] = {step:g}",
        f'print("backward:", {element})',
        f"up, down = {up}, {down}",
        f'print("central difference:", np.sum(grad_output * (up - down)) / {2 * step:g})',
    ]


def _scaled(violation: Violation, k: int, names: list[str], params: str, case: Case) -> list[str]:
    scaled = _gradient("-2 * grad_output", k, names, params)
    return [
        f'print("backward(g):", {_gradient("grad_output", k, names, params)})',
        f'print("backward(-2 g) / -2:", {scaled} / -2)',
    ]


def _forward(moved: dict[str, str], names: list[str], params: str) -> str:
    return f"forward({', '.join(moved.get(name, name) for name in names)}{params})"


def _gradient(upstream: str, k: int, names: list[str], params: str) -> str:
    call = f"backward({upstream}, {', '.join(names)}{params})"
    # A single gradient may come bare or in a tuple of one.
    return f"{call}[{k}]" if len(names) > 1 else f"np.reshape({call}, {names[0]}.shape)"
