"""A short program that shows the failure again, with NumPy and the code under test only."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradlab.adapters.subject import Array, Subject
from gradlab.verify.case import Case
from gradlab.verify.specification import Specification
from gradlab.verify.violation import Violation

# Longer arrays would not fit on a screen.
_LONGEST = 64


def reproduction(subject: Subject, specification: Specification, violation: Violation, case: Case) -> str:
    """Source that prints what backward gives beside what it should give; "" where the arrays are too long to print."""
    arrays = [*case.inputs, *([] if case.grad_output is None else [case.grad_output])]
    if sum(array.size for array in arrays) > _LONGEST or case.grad_output is None:
        return ""
    names = [argument.name for argument in specification.arguments]
    params = "".join(f", {name}={value!r}" for name, value in case.params.items())
    lines = ["import numpy as np", *subject.source.splitlines(), ""]
    layouts = dict(zip([*names, "grad_output"], case.layouts, strict=True))
    for name, array in zip([*names, "grad_output"], arrays, strict=True):
        if violation.law == "sharing" and case.shared is not None and name == names[case.shared[1]]:
            lines.append(f"{name} = {names[case.shared[0]]}  # the same array")
            continue
        lines.append(f"{name} = {_placed(literal(array), layouts[name], array.ndim)}")
    call = ", ".join(names)
    lines.append(f"gradients = backward(grad_output, {call}{params})")
    if violation.argument in names and violation.law in ("value", "stability", "kinks", "linearity", "edges"):
        k = names.index(violation.argument)
        lines.append("gradients = gradients if isinstance(gradients, tuple) else (gradients,)")
        lines.extend(_comparison(violation, k, names, params))
    else:
        lines.append('print("backward:", gradients)')
    return "\n".join(lines)


def literal(array: Array) -> str:
    """`np.array([[1.0, 2.0]], dtype="float64")`, exact; empty arrays keep their shape."""
    if not array.size:
        return f'np.zeros({array.shape}, dtype="{array.dtype}")'
    text = np.array2string(
        array, separator=", ", threshold=10_000, max_line_width=10_000, formatter={"float_kind": lambda x: _number(x)}
    )
    return f'np.array({" ".join(text.split())}, dtype="{array.dtype}")'


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


def _comparison(violation: Violation, k: int, names: list[str], params: str) -> list[str]:
    name, call = names[k], ", ".join(names)
    if violation.law in ("linearity", "edges"):
        return [
            f'print("backward(g):", gradients[{k}])',
            f"scaled = backward(-2 * grad_output, {call}{params})",
            "scaled = scaled if isinstance(scaled, tuple) else (scaled,)",
            f'print("backward(-2 g) / -2:", scaled[{k}] / -2)',
        ]
    index = violation.evidence.get("index", ())
    place = f"[{', '.join(map(str, index))}]" if isinstance(index, tuple) and index else "[()]"
    shifted = ", ".join("{}" if other == name else other for other in names)
    return [
        f"wide = {name}.astype(float)",
        f"h = 1e-6 * max(1.0, abs(wide{place}))",
        f"step = np.zeros(wide.shape); step{place} = h",
        f"loss = lambda moved: np.sum(grad_output * forward({shifted.format('moved')}{params}))",
        f'print("backward:", gradients[{k}]{place})',
        'print("central difference:", (loss(wide + step) - loss(wide - step)) / (2 * h))',
    ]
