"""Ordinary inputs of any registered operation: small shapes that its parameters allow, numbers in its domains."""

from dataclasses import replace

import numpy as np

from gradlab.registry import operation
from gradlab.verify.case import build
from gradlab.verify.plan import draw_shapes, plain_plan
from gradlab.verify.registered import specification_of
from gradlab.verify.sizes import draw_sizes


def drawn(name: str, seed: int = 0) -> list[np.ndarray]:
    """Float64 arrays, with integers and masks where the operation takes them; parameters have their defaults."""
    record = operation(name)
    known = specification_of(record)
    defaults = {parameter.name: (parameter.default,) for parameter in record.parameters}
    specification = replace(known, params={**known.params, **defaults})
    rng = np.random.default_rng(seed)
    sizes, leading, params = draw_sizes(specification, "plural", 0, rng)
    shapes = draw_shapes(specification, sizes, leading, "equal", rng, params)
    return list(build(plain_plan(specification, sizes, shapes, params, "float64", seed), specification).inputs)
