"""When it is the memory layout that matters, and whose."""

from __future__ import annotations

from gradlab.verify.diagnose.circumstances import Circumstances
from gradlab.verify.diagnose.diagnosis import Diagnosis


def layout(c: Circumstances) -> Diagnosis | None:
    """Only for some memory layouts."""
    count = len(c.case.layouts)
    if all(how == "C" for how in c.case.layouts) or not c.ok(layouts=("C",) * count):
        return None
    names = [*c.laboratory.names, "grad_output"]
    needed = []
    for position, how in enumerate(c.case.layouts):
        alone = tuple(how if k == position else "C" for k in range(count))
        if how != "C" and not c.ok(layouts=alone):
            needed.append(f"{names[position]} is {_LAYOUT_WORDS.get(how, how)}")
    used = [(name, how) for name, how in zip(names, c.case.layouts, strict=True) if how != "C"]
    where = " or ".join(needed) or ", ".join(f"{name} is {_LAYOUT_WORDS.get(how, how)}" for name, how in used)
    text = f"{c.grad} is right for C-contiguous arrays and wrong where {where}"
    remedy = "index arrays by their axes, or copy with np.ascontiguousarray first; never assume strides or memory order"
    return Diagnosis("layout", text, remedy, {"layouts": dict(zip(names, c.case.layouts, strict=True))})


_LAYOUT_WORDS = {
    "F": "in Fortran order",
    "transposed": "a transposed view",
    "negative stride": "a reversed view (negative strides)",
    "broadcast": "expanded (stride 0)",
    "guarded slice": "a strided slice of a larger array",
    "read-only": "read-only",
    "misaligned": "misaligned in memory",
}
