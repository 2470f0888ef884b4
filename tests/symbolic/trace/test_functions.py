"""Every NumPy function that has a formula: traced, it is what it is in numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import special

from gradlab.errors import FormulaError
from gradlab.symbolic import traced
from gradlab.symbolic.trace.functions import FUNCTIONS, UFUNCS

Function = Callable[..., Any]

# A signature, a function, and the line that it becomes. Tracing compares the line with the function in numbers.
UFUNC_EXAMPLES: dict[str, tuple[str, Function, str]] = {
    "add": ("(n,d),(d)->(n,d)", lambda x, z: x + z, "y[n,d] = x[n,d] + z[d]"),
    "subtract": ("(n,d),(n,d)->(n,d)", lambda x, z: x - (z - x), "y[n,d] = x[n,d] - (z[n,d] - x[n,d])"),
    "multiply": ("(n),(n)->(n)", lambda x, z: 2 * (x + z) * z, "y[n] = 2*(x[n] + z[n])*z[n]"),
    "divide": ("(n),(n)->(n)", lambda x, z: x / (x * z), "y[n] = x[n]/(x[n]*z[n])"),
    "power": ("(n)->(n)", lambda x: (x * x) ** -0.5, "y[n] = (x[n]*x[n])**(-0.5)"),
    "float_power": ("(n)->(n)", lambda x: np.float_power(x, 3), "y[n] = x[n]**3"),
    "negative": ("(n)->(n)", lambda x: 1 - -(x**2), "y[n] = 1 - -x[n]**2"),
    "positive": ("(n)->(n)", lambda x: +x, "y[n] = x[n]"),
    "square": ("(n)->(n)", np.square, "y[n] = x[n]**2"),
    "reciprocal": ("(n)->(n)", np.reciprocal, "y[n] = 1/x[n]"),
    "exp": ("(n)->(n)", lambda x: np.exp(-x), "y[n] = exp(-x[n])"),
    "expm1": ("(n)->(n)", np.expm1, "y[n] = expm1(x[n])"),
    "log": ("(n)->(n)", np.log, "y[n] = log(x[n])"),
    "log1p": ("(n)->(n)", lambda x: np.log1p(x**2), "y[n] = log1p(x[n]**2)"),
    "sqrt": ("(n)->(n)", np.sqrt, "y[n] = sqrt(x[n])"),
    "tanh": ("(n)->(n)", np.tanh, "y[n] = tanh(x[n])"),
    "sin": ("(n)->(n)", lambda x: np.sin(np.pi * x), "y[n] = sin(pi*x[n])"),
    "cos": ("(n)->(n)", np.cos, "y[n] = cos(x[n])"),
    "sign": ("(n)->(n)", lambda x: x * np.sign(x), "y[n] = x[n]*sign(x[n])"),
    "absolute": ("(n)->(n)", np.abs, "y[n] = abs(x[n])"),
    "fabs": ("(n)->(n)", np.fabs, "y[n] = abs(x[n])"),
    "expit": ("(n)->(n)", special.expit, "y[n] = sigmoid(x[n])"),
    "erf": ("(n)->(n)", special.erf, "y[n] = 2*normal_cdf(sqrt(2)*x[n]) - 1"),
    "ndtr": ("(n)->(n)", special.ndtr, "y[n] = normal_cdf(x[n])"),
    "logaddexp": ("(n),(n)->(n)", np.logaddexp, "y[n] = x[n] + softplus(z[n] - x[n])"),
    "maximum": ("(n),(n)->(n)", np.maximum, "y[n] = z[n] + max(x[n] - z[n], 0)"),
    "minimum": ("(n)->(n)", lambda x: np.minimum(0, x), "y[n] = min(x[n], 0)"),
    "greater": ("(n)->(n)", lambda x: x * (x > 1), "y[n] = x[n]*(x[n] > 1)"),
    "greater_equal": ("(n)->(n)", lambda x: x * (x >= 1), "y[n] = x[n]*(x[n] >= 1)"),
    "less": ("(n)->(n)", lambda x: x * (x < 1), "y[n] = x[n]*(x[n] < 1)"),
    "less_equal": ("(n)->(n)", lambda x: x * (x <= 1), "y[n] = x[n]*(x[n] <= 1)"),
    "logical_and": ("(n)->(n)", lambda x: x * np.logical_and(x > 0, x < 1), "y[n] = x[n]*((x[n] > 0)*(x[n] < 1))"),
    "bitwise_and": ("(n)->(n)", lambda x: x * ((x > 0) & (x < 1)), "y[n] = x[n]*((x[n] > 0)*(x[n] < 1))"),
    "logical_or": ("(n)->(n)", lambda x: x * np.logical_or(x < 0, x > 1), ""),
    "bitwise_or": ("(n)->(n)", lambda x: x * ((x < 0) | (x > 1)), ""),
    "logical_not": ("(n)->(n)", lambda x: x * np.logical_not(x > 1), "y[n] = x[n]*(1 - (x[n] > 1))"),
    "invert": ("(n)->(n)", lambda x: x * ~(x > 1), "y[n] = x[n]*(1 - (x[n] > 1))"),
    "matmul": ("(b,n,d),(m,d)->(b,n,m)", lambda x, z: x @ z.T, "y[b,n,m] = sum[d](x[b,n,d]*z[m,d])"),
}

FUNCTION_EXAMPLES: dict[Any, tuple[str, Function, str]] = {
    np.sum: ("(n,d)->()", lambda x: x.sum(), "y = sum[n,d](x[n,d])"),
    np.mean: ("(n,d)->(n,d)", lambda x: x - x.mean(axis=0), "y[n,d] = x[n,d] - mean[n1](x[n1,d])"),
    np.max: ("(n,d)->(n)", lambda x: np.max(x, axis=-1), "y[n] = max[d](x[n,d])"),
    np.amax: ("(n,d)->(d)", lambda x: np.amax(2 * x, axis=0), "t1[n,d] = 2*x[n,d]\ny[d] = max[n](t1[n,d])"),
    np.min: ("(n,d)->(n)", lambda x: x.min(1), "y[n] = min[d](x[n,d])"),
    np.amin: ("(n,d)->(d,n)", lambda x: (x - np.amin(x, 1, keepdims=True)).T, "y[d,n] = x[n,d] - min[d1](x[n,d1])"),
    np.var: ("(n,d)->(n)", lambda x: x.var(axis=1), "y[n] = mean[d]((x[n,d] - mean[d1](x[n,d1]))**2)"),
    np.std: ("(n)->()", lambda x: np.std(x, ddof=1), "y = sqrt(sum[n]((x[n] - mean[n1](x[n1]))**2)/(N - 1))"),
    np.linalg.norm: ("(n,d)->(n)", lambda x: np.linalg.norm(x, axis=1), "y[n] = sqrt(sum[d](x[n,d]**2))"),
    np.where: ("(n)->(n)", lambda x: np.where(x > 1, x**2, 0), "y[n] = (x[n] > 1)*x[n]**2"),
    np.clip: ("(n)->(n)", lambda x: x.clip(-1, 0.5), "y[n] = clamp(x[n], -1, 0.5)"),
    np.einsum: ("(n,d),(n,d)->(n)", lambda x, z: np.einsum("nd,nd->n", x, z), "y[n] = sum[d](x[n,d]*z[n,d])"),
    np.dot: ("(n,d),(d)->(n)", lambda x, z: x.dot(z), "y[n] = sum[d](x[n,d]*z[d])"),
    np.inner: ("(n,d),(m,d)->(n,m)", np.inner, "y[n,m] = sum[d](x[n,d]*z[m,d])"),
    np.outer: ("(n),(m)->(n,m)", lambda x, z: np.outer(x, z), "y[n,m] = x[n]*z[m]"),
    np.transpose: ("(a,b,c)->(c,a,b)", lambda x: x.transpose(2, 0, 1), "y[c,a,b] = x[a,b,c]"),
    np.swapaxes: ("(a,b,c)->(a,c,b)", lambda x: x.mT, "y[a,c,b] = x[a,b,c]"),
    np.moveaxis: ("(a,b,c)->(b,c,a)", lambda x: np.moveaxis(x, 0, -1), "y[b,c,a] = x[a,b,c]"),
    np.expand_dims: ("(n),(m)->(n,m)", lambda x, z: np.expand_dims(x, 1) + z[None, :], "y[n,m] = x[n] + z[m]"),
    np.squeeze: ("(n,d)->(n)", lambda x: np.squeeze(x.sum(1, keepdims=True), axis=1), "y[n] = sum[d](x[n,d])"),
    np.take: ("(v,d),(n)->(n,d)", lambda x, z: np.take(x, z, axis=0), "y[n,d] = x[z[n],d]"),
    np.take_along_axis: (
        "(n,d),(n)->(n)",
        lambda x, z: np.take_along_axis(x, z[:, None], axis=1)[:, None].sum(axis=(1, 2)),
        "y[n] = x[n,z[n]]",
    ),
    np.zeros_like: ("(n)->(n)", lambda x: np.zeros_like(x) + x, "y[n] = 0 + x[n]"),
    np.ones_like: ("(n)->(n)", lambda x: np.ones_like(x) + x, "y[n] = 1 + x[n]"),
    np.ndim: ("(n)->(n)", lambda x: np.ndim(x) * x, "y[n] = 1*x[n]"),
    np.shape: ("(n)->(n)", lambda x: x / np.shape(x)[0], "y[n] = x[n]/N"),
}


def test_every_row_has_an_example() -> None:
    """A new function is a row, and here an example."""
    assert UFUNC_EXAMPLES.keys() == UFUNCS.keys()
    assert FUNCTION_EXAMPLES.keys() == FUNCTIONS.keys()


def check(example: tuple[str, Function, str]) -> None:
    """Trace it under the names x and z."""
    signature, function, line = example
    two = "),(" in signature.partition("->")[0]
    named = (lambda x, z: function(x, z)) if two else (lambda x: function(x))
    trace = traced(signature)(named)
    assert line in ("", trace.formula)
    assert trace.definition.formula == trace.formula  # and it was compared in numbers


@pytest.mark.parametrize("name", UFUNC_EXAMPLES)
def test_ufuncs(name: str) -> None:
    """Elementwise functions, with the brackets that they need."""
    check(UFUNC_EXAMPLES[name])


@pytest.mark.parametrize("function", FUNCTION_EXAMPLES, ids=lambda function: function.__name__)
def test_functions(function: Any) -> None:
    """Sums, products, views and lookups."""
    check(FUNCTION_EXAMPLES[function])


@pytest.mark.parametrize(
    ("signature", "function", "message"),
    [
        ("(n)->(n)", np.cumsum, "np.cumsum has no formula; these have: + - * / ** @"),
        ("(n)->(n)", lambda x: np.add.accumulate(x), "np.add.accumulate has no formula"),
        ("(n)->(n)", lambda x: np.exp(x, where=x > 0), "np.exp with where= has no formula"),
        ("(n)->()", lambda x: np.sum(x, dtype=np.float32), "np.sum with dtype= has no formula"),
        ("(n)->()", lambda x: np.sum(x, axis=1), "axis 1 of an array of 1 dimensions; count from 0"),
        ("(n)->(n)", lambda x: x * np.array([1.0, 2.0]), "an array of numbers, of shape (2,); make it an argument"),
        ("(n)->(n)", lambda x: np.where(x > 0, x, -np.inf), "-inf is no number of a formula"),
        ("(n)->(n)", lambda x: x * 1j, "1j is neither a symbolic array nor a real number"),
        ("(n,d)->(n)", lambda x: x[:, 0], "x[0] has no formula"),
        ("(n,d)->(n)", lambda x: x[:, :, 0], "3 indices for an array of 2 dimensions"),
        ("(n)->(n)", lambda x: x[1:], "x[1:]: a part of an axis has no formula"),
        ("(n)->()", lambda x: np.linalg.norm(x, ord=1), "np.linalg.norm with ord=1 has no formula"),
        ("(n,d),(n)->(n,d)", lambda x, z: x + z, "shapes (n, d) and (n,) do not broadcast: d and n may differ"),
        ("(n,d),(n,d)->(n,n)", lambda x, z: x @ z, "the dimensions d and n may differ and meet in one sum"),
        ("(n),()->(n)", lambda x, z: x @ z, "a matrix product with a scalar; write *"),
        ("(n)->(n)", lambda x: np.squeeze(x), "np.squeeze without an axis depends on sizes"),
        ("(n)->(n)", lambda x: np.squeeze(x, axis=0), "np.squeeze of axis 0, whose size is n"),
        ("(n),(m)->(m)", lambda x, z: np.take(x, z), "np.take without an axis"),
        ("(n,d),(n,d)->(n)", lambda x, z: np.einsum("n,nd->n", x, z), "'n' for an array of shape (n, d)"),
        ("(n)->(n)", lambda x: np.exp(x, out=np.zeros(3)), "np.exp writes into an array of numbers"),
    ],
)
def test_what_has_no_formula(signature: str, function: Function, message: str) -> None:
    """Each is refused where it stands, with what does have one."""
    with pytest.raises(FormulaError) as caught:
        _ = traced(signature)(function if function is not np.cumsum else lambda x: np.cumsum(x)).formula
    assert str(caught.value).startswith("test_functions.py:")
    assert message in str(caught.value)
