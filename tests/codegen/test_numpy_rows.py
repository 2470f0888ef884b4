"""Arithmetic over whole rows: values per channel are repeated once, and nothing full-size is made of smaller ones."""

import numpy as np
import pytest

from gradlab.codegen import numpy_source
from gradlab.symbolic.derive import derive
from gradlab.symbolic.formula import formula
from gradlab.symbolic.read import read

# A formula, the same in NumPy, and how its kernel's forward writes it.
FORMULAS = {
    "per channel": (
        "y[n,c,h] = x[n,c,h] * w[c] - v[c]",
        lambda x, w, v: x * w[:, None] - v[:, None],
        ["np.repeat(w, h)", "np.repeat(v, h)"],
    ),
    "per sample": (
        "y[n,c,h] = x[n,c,h] * w[c] - s[n]",
        lambda x, w, s: x * w[:, None] - s[:, None, None],
        ["np.repeat(w, h)", "y -= s[:, None]"],
    ),
    "per channel of a sample": (
        "y[n,c,h] = x[n,c,h] * w[c] - a[n,c]",
        lambda x, w, a: x * w[:, None] - a[..., None],
        ["np.repeat(w, h)", "y = y.reshape(n, c, h)", "y -= a[:, :, None]"],
    ),
}


@pytest.mark.parametrize(("text", "direct", "written"), FORMULAS.values(), ids=FORMULAS)
def test_rows_meet_smaller_arrays(text: str, direct, written: list[str]) -> None:
    """What differs between rows and within them has the array take its own shape back."""
    derivation = derive(read(formula(text)))
    source, module = numpy_source(derivation), {}
    forward = source[source.index("def forward") : source.index("def backward")]
    assert [part for part in written if part not in forward] == []
    assert forward.count("np.repeat") == sum("repeat" in part for part in written)
    exec(compile(source, "<kernel>", "exec"), module)
    sizes, rng = {"n": 2, "c": 3, "h": 4}, np.random.default_rng(0)
    values = {
        given.tensor.name: rng.normal(size=[sizes[index.axis.name.lower()] for index in given.tensor.indices])
        for given in derivation.program.inputs
    }
    output, _ = module["forward"](*values.values())
    names = direct.__code__.co_varnames
    np.testing.assert_allclose(output, direct(*(values[name] for name in names)), rtol=1e-14)
