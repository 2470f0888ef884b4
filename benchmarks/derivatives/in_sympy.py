"""SymPy's answers, in its three ways: sums over indexed entries, matrix symbols, and array expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sympy as sp
from sympy.tensor.array.expressions.arrayexpr_derivatives import array_derive
from sympy.tensor.array.expressions.from_indexed_to_array import convert_indexed_to_array

from benchmarks.derivatives.answer import Answer, Run, UnwritableError
from benchmarks.derivatives.in_gradlab import entries
from benchmarks.derivatives.problems import Array, Data, Problem

N, D, M, K = sp.symbols("N D M K", integer=True, positive=True)
_n, _d, _k, _i, _j, _m, _p, _q = sp.symbols("n d k i j m p q", integer=True)
_EPS = sp.Rational(1, 1000)
_SCALAR = sp.Symbol("grad_output")
x, g, t, A, B, a, b, c, z, w, gamma, beta = _BASES = [
    sp.IndexedBase(name, real=True)
    for name in ["x", "grad_output", "t", "A", "B", "a", "b", "c", "z", "w", "gamma", "beta"]
]
label = sp.IndexedBase("label", integer=True)


def _sum(term: Any, *over: tuple[sp.Symbol, Any]) -> sp.Expr:
    return sp.Sum(term, *((index, 0, size - 1) for index, size in over))


def _softmax(row: Callable[[Any], Any], size: sp.Expr, at: Any) -> sp.Expr:
    return sp.exp(row(at)) / _sum(sp.exp(row(_j)), (_j, size))


def _soft(n: Any, d: Any) -> sp.Expr:
    return _softmax(lambda k: x[n, k], D, d)


def _batch_norm() -> sp.Expr:
    mean = _sum(x[_m, _d], (_m, N)) / N
    variance = _sum((x[_m, _d] - mean.xreplace({_m: _i})) ** 2, (_m, N)) / N
    y = gamma[_d] * (x[_n, _d] - mean) / sp.sqrt(variance + _EPS) + beta[_d]
    return _sum(g[_n, _d] * y, (_n, N), (_d, D))


def _layer_norm() -> sp.Expr:
    mean = _sum(x[_n, _k], (_k, D)) / D
    variance = _sum((x[_n, _k] - mean.xreplace({_k: _i})) ** 2, (_k, D)) / D
    y = gamma[_d] * (x[_n, _d] - mean) / sp.sqrt(variance + _EPS) + beta[_d]
    return _sum(g[_n, _d] * y, (_n, N), (_d, D))


def _attention() -> sp.Expr:
    p = _softmax(lambda k: _sum(a[_n, _i] * b[k, _i], (_i, D)), K, _k)
    return _sum(g[_n, _m] * _sum(p * c[_k, _m], (_k, K)), (_n, N), (_m, M))


# The loss sum(grad_output * y) as somebody who uses SymPy writes it, and the sizes that its symbols stand for.
_INDEXED: Mapping[str, Callable[[], sp.Expr]] = {
    "softmax": lambda: _sum(g[_n, _d] * _soft(_n, _d), (_n, N), (_d, D)),
    "log-sum-exp": lambda: _sum(g[_n] * sp.log(_sum(sp.exp(x[_n, _d]), (_d, D))), (_n, N)),
    "cross-entropy, soft labels": lambda: -_SCALAR * _sum(t[_n, _d] * sp.log(_soft(_n, _d)), (_n, N), (_d, D)) / N,
    "cross-entropy, labels": lambda: -_SCALAR * _sum(sp.log(_soft(_n, label[_n])), (_n, N)) / N,
    "batch norm": _batch_norm,
    "layer norm": _layer_norm,
    "RMS norm": lambda: _sum(
        g[_n, _d] * x[_n, _d] / sp.sqrt(_sum(x[_n, _k] ** 2, (_k, D)) / D + _EPS), (_n, N), (_d, D)
    ),
    "attention": _attention,
    "strided convolution": lambda: _sum(g[_n] * _sum(x[2 * _n + _k] * w[_k], (_k, K)), (_n, N)),
    "quadratic form": lambda: _SCALAR * _sum(x[_i] * A[_i, _j] * x[_j], (_i, D), (_j, D)),
    "trace of a product": lambda: _SCALAR * _sum(A[_i, _n] * x[_n, _d] * B[_d, _i], (_i, D), (_n, N), (_d, D)),
    "Frobenius norm": lambda: _SCALAR * _sum((_sum(A[_i, _n] * x[_n, _d], (_n, N)) - B[_i, _d]) ** 2, (_i, M), (_d, D)),
    "Gram matrix": lambda: _sum(g[_i, _j] * x[_n, _i] * x[_n, _j], (_n, N), (_i, D), (_j, D)),
    "distance matrix": lambda: _sum(g[_n, _m] * _sum((x[_n, _d] - z[_m, _d]) ** 2, (_d, D)), (_n, N), (_m, M)),
    "Huber": lambda: _sum(
        g[_n, _d]
        * sp.Piecewise((x[_n, _d] ** 2 / 2, sp.Abs(x[_n, _d]) <= 1), (sp.Abs(x[_n, _d]) - sp.Rational(1, 2), True)),
        (_n, N),
        (_d, D),
    ),
}


def _sizes(data: Data, problem: Problem) -> dict[sp.Symbol, int]:
    """What the symbols for sizes stand for in these arrays."""
    y = np.shape(data["grad_output"])
    shape = data[problem.wrt].shape
    match problem.name:
        case "strided convolution":
            return {N: y[0], K: len(data["w"])}
        case "quadratic form":
            return {D: shape[0]}
        case "attention":
            return {N: shape[0], D: shape[1], K: len(data["b"]), M: y[1]}
        case "Frobenius norm":
            return {N: shape[0], D: shape[1], M: len(data["B"])}
        case "distance matrix":
            return {N: shape[0], D: shape[1], M: y[1]}
    return {N: shape[0], D: shape[1]}


def indexed(problem: Problem) -> Answer:
    """`diff` of a Sum over Indexed entries, evaluated entry by entry after the sizes are put in."""
    if problem.name not in _INDEXED:
        raise UnwritableError("no maximum over an index")
    loss = _INDEXED[problem.name]()
    base = {"a": a}.get(problem.wrt, x)
    rank = {"strided convolution": 1, "quadratic form": 1}.get(problem.name, 2)
    places = (_p, _q)[:rank]
    gradient = sp.diff(loss, base[places])

    def prepare(data: Data) -> Run:
        sizes = _sizes(data, problem)
        shape = data[problem.wrt].shape
        values = _values(data)

        def run() -> Array:
            found = np.zeros(shape)
            for place in np.ndindex(shape):
                entry = gradient.subs(dict(zip(places, place, strict=True)) | sizes).doit()
                found[place] = float(entry.xreplace(values[0]).xreplace(values[1]).doit())
            return found

        return run

    return Answer(str(gradient), entries(gradient), prepare)


def _values(data: Data) -> tuple[dict[sp.Expr, Any], dict[sp.Expr, Any]]:
    """Whole numbers first: they are indices of the others."""
    bases = {str(base.label): base for base in (*_BASES, label)}
    whole: dict[sp.Expr, Any] = {}
    real: dict[sp.Expr, Any] = {_SCALAR: sp.Float(float(data["grad_output"]))} if not data["grad_output"].shape else {}
    for name, array in data.items():
        for place in np.ndindex(array.shape):
            if place:
                kind, number = (whole, sp.Integer) if array.dtype.kind == "i" else (real, sp.Float)
                kind[bases[name][place]] = number(array[place].item())
    return whole, real


_X = sp.MatrixSymbol("x", N, D)
_V = sp.MatrixSymbol("x", D, 1)
_G = sp.MatrixSymbol("grad_output", D, D)
_H = sp.MatrixSymbol("grad_output", D, 1)
_T = sp.MatrixSymbol("t", D, 1)
_ONE = sp.OneMatrix(D, 1)


def _mapped(function: Any, matrix: Any) -> Any:
    return matrix.applyfunc(function)


# One row in place of a batch where SymPy has no axis for it. Matrices are those of a textbook.
_MATRIX: Mapping[str, Callable[[], tuple[Any, Any]]] = {
    "softmax": lambda: ((_H.T * _mapped(sp.exp, _V)) * (_ONE.T * _mapped(sp.exp, _V)).inv(), _V),
    "log-sum-exp": lambda: (_mapped(sp.log, _ONE.T * _mapped(sp.exp, _V)), _V),
    "cross-entropy, soft labels": lambda: (_T.T * (_ONE * _mapped(sp.log, _ONE.T * _mapped(sp.exp, _V)) - _V), _V),
    "RMS norm": lambda: ((_H.T * _V) * _mapped(lambda u: 1 / sp.sqrt(u / D + _EPS), _V.T * _V), _V),
    "quadratic form": lambda: (_V.T * sp.MatrixSymbol("A", D, D) * _V, _V),
    "trace of a product": lambda: (sp.Trace(sp.MatrixSymbol("A", D, N) * _X * sp.MatrixSymbol("B", D, D)), _X),
    "Frobenius norm": lambda: (
        sp.Trace(
            (sp.MatrixSymbol("A", M, N) * _X - sp.MatrixSymbol("B", M, D)).T
            * (sp.MatrixSymbol("A", M, N) * _X - sp.MatrixSymbol("B", M, D))
        ),
        _X,
    ),
    "Gram matrix": lambda: (sp.Trace(_G.T * _X.T * _X), _X),
}


def matrix(problem: Problem) -> Answer:
    """`diff` by a MatrixSymbol: matrix calculus."""
    if problem.name not in _MATRIX:
        raise UnwritableError("no such product of matrices")
    loss, wrt = _MATRIX[problem.name]()
    return _by_matrices(problem, loss.diff(wrt))


# Of the array forms, where they are not those of x.
_SHAPES: Mapping[str, dict[str, tuple[sp.Symbol, sp.Symbol]]] = {
    "Gram matrix": {"grad_output": (D, D)},
    "trace of a product": {"A": (D, N), "B": (D, D)},
    "Frobenius norm": {"A": (M, N), "B": (M, D)},
}


def arrays(problem: Problem) -> Answer:
    """`array_derive` of what `convert_indexed_to_array` makes of the indexed form."""
    if problem.name not in _INDEXED:
        raise UnwritableError("no maximum over an index")
    loss = _INDEXED[problem.name]()
    if problem.name == "quadratic form":
        raise UnwritableError("converted to an array of its own, which no vector is a part of")
    shapes = {"x": (N, D), "grad_output": (N, D), "t": (N, D)} | _SHAPES.get(problem.name, {})
    symbols = {name: sp.MatrixSymbol(name, *shape) for name, shape in shapes.items()}
    converted = loss.replace(
        lambda part: isinstance(part, sp.Indexed) and str(part.base.label) in symbols and len(part.indices) == 2,
        lambda part: symbols[str(part.base.label)][part.indices],
    ).subs(_SCALAR, 1)
    return _by_matrices(problem, array_derive(convert_indexed_to_array(converted), symbols["x"]))


def _by_matrices(problem: Problem, gradient: Any) -> Answer:
    def prepare(data: Data) -> Run:
        shape = data[problem.wrt].shape
        sizes: dict[sp.Symbol, int] = {}
        values: dict[Any, Any] = {}
        for symbol in gradient.atoms(sp.MatrixSymbol):
            array = np.asarray(data[symbol.name])
            array = array.reshape(-1, 1) if symbol.shape[1] == 1 else array
            values[symbol.name] = array
            sizes |= {s: n for s, n in zip(symbol.shape, array.shape, strict=True) if isinstance(s, sp.Symbol)}
        # A loss of one number is differentiated without it.
        scale = 1.0 if "grad_output" in values else float(np.ravel(data["grad_output"])[0])

        def run() -> Array:
            sized = gradient.subs(sizes)
            explicit = sp.Array(sized.as_explicit())
            numbers = {
                part: values[part.parent.name][tuple(map(int, part.indices))]
                for part in explicit.atoms(sp.matrices.expressions.matexpr.MatrixElement)
            }
            found = [float(entry.xreplace(numbers).doit()) for entry in explicit.reshape(len(explicit))]
            return scale * np.array(found).reshape(shape)

        return run

    return Answer(str(gradient), len(_leaves(gradient)), prepare)


def _leaves(expression: sp.Basic) -> list[sp.Basic]:
    """The matrices that a form mentions, each as often as it stands there; identities and ones do not count."""
    if isinstance(expression, sp.MatrixSymbol):
        return [expression]
    return [leaf for part in expression.args for leaf in _leaves(part)]
