"""Definitions that cannot be read: the message names the file, the binding and the remedy."""

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from sympy import EulerGamma, Float, Heaviside, Idx, IndexedBase, Max, Piecewise, Sum, exp, log, sqrt, symbols

from gradlab.errors import DefinitionError
from gradlab.operation import Parameter, labels, mask, simplex
from gradlab.symbolic.definition import Definition, fact, given, let, shift
from gradlab.symbolic.derive import derive
from gradlab.symbolic.expressions import SUPPORTED
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read
from gradlab.symbolic.special import clamp

N, D, K = symbols("N D K", integer=True)
n, m, d, e, k = Idx("n", N), Idx("m", N), Idx("d", D), Idx("e", D), Idx("k", K)
a, t, w, x, y, z, label, other = map(IndexedBase, ("a", "t", "w", "x", "y", "z", "label", "other"))
loss, scale = symbols("loss scale")
SCALE = Parameter("scale", 1.0, 0.5, 2.0)
X = given(x[n, d])


def define(*lets: tuple[Any, Any], inputs: Any = (X,), **options: Any) -> Definition:
    """An operation of one input x[n, d], declared in derivations/bad.py."""
    declared = [let(entry, value) for entry, value in lets]
    options = {"output": declared[-1].entry if declared else y[n, d], "reference": "x"} | options
    return Definition(name="bad", summary="", inputs=inputs, lets=declared, source="derivations/bad.py", **options)


UNSUPPORTED = f"supported: {SUPPORTED}"
EXPONENT = "exponents are whole numbers, halves and, for positive u, parameters"
CASES: dict[str, tuple[Callable[[], Definition], str]] = {
    "axes clash": (
        lambda: define((y[n, d], x[d, n])),
        "binding y[n, d]: axes clash: x has axis n where index d runs over d; two axes never contract, even where "
        "their sizes are equal: index with the tensor's own axis",
    ),
    "contracted axes clash": (
        lambda: define((y[n, d], Sum(x[n, k] * w[k, d], k)), inputs=[X, given(w[k, d])]),
        "binding y[n, d]: axes clash: x has axis d where index k runs over k; two axes never contract, even where "
        "their sizes are equal: index with the tensor's own axis",
    ),
    "index of two axes": (
        lambda: define((y[n], Sum(x[n, Idx("n", D)], Idx("n", D)))),
        "binding y[n]: index n runs over n and over d; use a different index for each axis",
    ),
    "piecewise": (
        lambda: define((y[n, d], Piecewise((x[n, d], scale > 0), (0, True))), parameters=[SCALE]),
        f"binding y[n, d]: unsupported: Piecewise in Piecewise((x[n, d], scale > 0), (0, True)); {UNSUPPORTED}",
    ),
    "heaviside": (
        lambda: define((y[n, d], Heaviside(x[n, d]))),
        f"binding y[n, d]: unsupported: Heaviside in Heaviside(x[n, d]); {UNSUPPORTED}",
    ),
    "maximum of two": (
        lambda: define((y[n, d], Max(x[n, d], 1))),
        f"binding y[n, d]: unsupported: Max in Max(1, x[n, d]); {UNSUPPORTED}",
    ),
    "condition": (
        lambda: define((y[n, d], x[n, d] > 0)),
        f"binding y[n, d]: unsupported: StrictGreaterThan in x[n, d] > 0; {UNSUPPORTED}",
    ),
    "float": (
        lambda: define((y[n, d], Float(0.5) * x[n, d])),
        "binding y[n, d]: 0.500000000000000 is not an exact number; write it as Rational(p, q)",
    ),
    "Euler's constant": (
        lambda: define((y[n, d], EulerGamma * x[n, d])),
        "binding y[n, d]: EulerGamma is not an exact number; write it as Rational(p, q)",
    ),
    "moving bound": (
        lambda: define((y[n, d], clamp(x[n, d], -1, x[n, d]))),
        "binding y[n, d]: x[n, d] in clamp is not constant; write a number or a parameter there",
    ),
    "float exponent": (
        lambda: define((y[n, d], x[n, d] ** 0.5)),
        f"binding y[n, d]: unsupported exponent 0.500000000000000 in x[n, d]**0.5; {EXPONENT}",
    ),
    "symbolic exponent": (
        lambda: define((y[n, d], x[n, d] ** (2 * scale)), parameters=[SCALE]),
        f"binding y[n, d]: unsupported exponent 2*scale in x[n, d]**(2*scale); {EXPONENT}",
    ),
    "size as exponent": (
        lambda: define((y[n, d], x[n, d] ** N)),
        f"binding y[n, d]: unsupported exponent N in x[n, d]**N; {EXPONENT}",
    ),
    "cube root": (
        lambda: define((y[n, d], x[n, d] ** sp.Rational(1, 3))),
        f"binding y[n, d]: unsupported exponent 1/3 in x[n, d]**(1/3); {EXPONENT}",
    ),
    "no reference": (
        lambda: define((y[n, d], x[n, d]), reference=" "),
        "the declaration: it has no reference; give an independent torch expression, e.g. reference='torch.relu(x)'",
    ),
    "unknown name": (
        lambda: define((y[n, d], x[n, d] + z[n, d])),
        "binding y[n, d]: unknown name z in z[n, d]; known here: x; bind it, or declare it as an input",
    ),
    "unknown symbol": (
        lambda: define((y[n, d], x[n, d] * scale)),
        "binding y[n, d]: unknown name scale in scale; known here: x; bind it, or declare it as an input",
    ),
    "rank mismatch": (
        lambda: define((y[n, d], x[n])),
        "binding y[n, d]: x[n] has 1 indices, x has 2; add or drop one",
    ),
    "tensor without indices": (
        lambda: define((y[n, d], symbols("x") + x[n, d])),
        "binding y[n, d]: x stands without indices; it has 2",
    ),
    "bound twice": (
        lambda: define((y[n, d], x[n, d]), (y[n, d], 2 * x[n, d])),
        "binding y[n, d]: the name y is bound twice; give each input and each binding a name of its own",
    ),
    "binding named as an input": (
        lambda: define((x[n, d], 2 * x[n, d])),
        "binding x[n, d]: the name x is bound twice; give each input and each binding a name of its own",
    ),
    "input declared twice": (
        lambda: define((y[n, d], x[n, d]), inputs=[X, X]),
        "input x[n, d]: the name x is bound twice; give each input and each binding a name of its own",
    ),
    "uses itself": (
        lambda: define((y[n, d], x[n, d] + y[n, d])),
        "binding y[n, d]: y in y[n, d] is bound later, or by itself; bind it before it is used",
    ),
    "uses a later one": (
        lambda: define((z[n, d], 2 * y[n, d]), (y[n, d], x[n, d])),
        "binding z[n, d]: y in y[n, d] is bound later, or by itself; bind it before it is used",
    ),
    "free index": (
        lambda: define((y[n], x[n, d])),
        "binding y[n]: the right side has the free index d; sum over it or add it to the left side",
    ),
    "part of an axis": (
        lambda: define((y[n], Sum(x[n, d], (d, 0, 3)))),
        "binding y[n]: Sum over part of an axis: (d, 0, 3); sum over the whole axis: Sum(e[n, k], k)",
    ),
    "sum over a symbol": (
        lambda: define((y[n, d], x[n, d] * Sum(symbols("i"), (symbols("i"), 0, 3)))),
        'binding y[n, d]: Sum runs over i; sum over an index with an axis: Idx("k", D)',
    ),
    "sum twice over an index": (
        lambda: define((loss, Sum(x[n, d], n, d, d))),
        "binding loss: Sum runs over d twice; use an index of its own for each sum",
    ),
    "index without an axis": (
        lambda: define((y[n, d], x[n, d]), inputs=[given(x[n, Idx("d")])]),
        'input x[n, d]: d is not an index with an axis; make it one: Idx("n", N)',
    ),
    "number as an index": (
        lambda: define((y[n], x[n, 0])),
        'binding y[n]: 0 is not an index with an axis; make it one: Idx("n", N)',
    ),
    "shifted index": (
        lambda: define((y[n, d], x[n, d + N])),
        "binding y[n, d]: N in the index N + d is no whole number; use integers and integer parameters: "
        'Parameter("N", 1, 1, 3, integer=True)',
    ),
    "axis of fixed size": (
        lambda: define((y[n], x[n]), inputs=[given(x[Idx("n", 5)])]),
        'input x[n]: index n runs from 0 to 4; an axis has a size symbol: Idx("n", N)',
    ),
    "axis from one": (
        lambda: define((y[n], x[n]), inputs=[given(x[Idx("n", (1, N - 1))])]),
        'input x[n]: index n runs from 1 to N - 1; an axis has a size symbol: Idx("n", N)',
    ),
    "sizes that differ in case": (
        lambda: define((y[n, k], x[n, k]), inputs=[given(x[n, Idx("k", symbols("n"))])]),
        "input x[n, k]: two sizes differ only in case or assumptions: n; give each axis a symbol of its own",
    ),
    "no entry": (
        lambda: define((y[n, d], x[n, d]), inputs=[given(x[n, d] + 1)]),
        "input x[n, d] + 1: x[n, d] + 1 is not an entry of a tensor; write it as x[n, d], or as a bare symbol for a "
        "scalar",
    ),
    "repeated index of an input": (
        lambda: define((y[n], x[n, n]), inputs=[given(x[n, n])]),
        "input x[n, n]: x[n, n] repeats an index; use one index per axis of the tensor",
    ),
    "repeated index of a binding": (
        lambda: define((y[n, n], Sum(x[n, d], d))),
        "binding y[n, n]: y[n, n] repeats an index; use one index per axis of the tensor",
    ),
    "no differentiable input": (
        lambda: define((y[n, d], x[n, d]), inputs=[given(x[n, d], differentiable=False)]),
        "the declaration: no input is differentiable; declare at least one with given(x[n, d])",
    ),
    "no input": (
        lambda: define((loss, 1), inputs=[]),
        "the declaration: no input is differentiable; declare at least one with given(x[n, d])",
    ),
    "differentiable labels": (
        lambda: define((y[n], x[n, label[n]]), inputs=[X, given(label[n], labels("d"), differentiable=True)]),
        "input label[n]: values in labels(...) have no derivative; leave differentiable=True out",
    ),
    "differentiable mask": (
        lambda: define((y[n, d], x[n, d]), inputs=[X, given(t[n], mask(), differentiable=True)]),
        "input t[n]: values in mask(...) have no derivative; leave differentiable=True out",
    ),
    "reserved name": (
        lambda: define((symbols("grad_output"), Sum(x[n, d], n, d))),
        "binding grad_output: the name grad_output is reserved; rename it",
    ),
    "reserved prefix": (
        lambda: define((y[n, d], x[n, d]), inputs=[X, given(IndexedBase("tangent_x")[n])]),
        "input tangent_x[n]: the name tangent_x is reserved; rename it",
    ),
    "keyword": (
        lambda: define((IndexedBase("lambda")[n, d], x[n, d])),
        "binding lambda[n, d]: 'lambda' cannot be a variable; use letters, digits and underscores",
    ),
    "no identifier": (
        lambda: define((IndexedBase("y'")[n, d], x[n, d])),
        "binding y'[n, d]: \"y'\" cannot be a variable; use letters, digits and underscores",
    ),
    "parameter and tensor": (
        lambda: define((y[n, d], x[n, d]), parameters=[Parameter("x", 1.0, 0.5, 2.0)]),
        "input x[n, d]: the name x is that of a parameter; rename one of the two",
    ),
    "parameter and binding": (
        lambda: define((scale, Sum(x[n, d], n, d)), parameters=[SCALE]),
        "binding scale: the name scale is that of a parameter; rename one of the two",
    ),
    "reserved parameter": (
        lambda: define((y[n, d], x[n, d]), parameters=[Parameter("np", 1.0, 0.5, 2.0)]),
        "parameter np: the name np is reserved; rename it",
    ),
    "parameter with indices": (
        lambda: define((y[n, d], x[n, d] * IndexedBase("scale")[n]), parameters=[SCALE]),
        "binding y[n, d]: the parameter scale has no indices, as in scale[n]; write it as scale",
    ),
    "tensor named as a size": (
        lambda: define((y[n, d], x[n, d]), inputs=[X, given(IndexedBase("D")[n])]),
        "name D: it is a tensor or parameter and also the size of an axis; rename one of the two",
    ),
    "index as a number": (
        lambda: define((y[n, d], x[n, d] * n)),
        "binding y[n, d]: the index n is used as a number; indices stand in brackets only",
    ),
    "label as a value": (
        lambda: define((y[n, d], x[n, d] * label[n]), inputs=[X, given(label[n], labels("d"))]),
        "binding y[n, d]: label[n] holds labels and is used as a number; labels are indices: x[n, label[n]]",
    ),
    "labels of no axis": (
        lambda: define((y[n, d], x[n, d]), inputs=[X, given(label[n], labels("c"))]),
        "input label: labels('c') names no axis; the axes are 'd', 'n'",
    ),
    "labels of another axis": (
        lambda: define((y[n], x[n, label[n]]), inputs=[X, given(label[n], labels("n"))]),
        "binding y[n]: axes clash: x has axis d where index label[n] runs over n; two axes never contract, even where "
        "their sizes are equal: index with the tensor's own axis",
    ),
    "label indexed along another axis": (
        lambda: define((y[n, d], x[n, label[d]]), inputs=[X, given(label[n], labels("d"))]),
        "binding y[n, d]: axes clash: label has axis n where index d runs over d; two axes never contract, even where "
        "their sizes are equal: index with the tensor's own axis",
    ),
    "tensor as an index": (
        lambda: define((y[n], x[n, t[n]]), inputs=[X, given(t[n])]),
        "binding y[n]: t[n] is used as an index; only inputs in the domain labels(...), and what is bound to "
        "an argmax, can be",
    ),
    "lookup in a lookup": (
        lambda: define(
            (y[n], x[n, label[other[n]]]),
            inputs=[X, given(label[n], labels("d")), given(other[n], labels("n"))],
        ),
        "binding y[n]: label[other[n]] is indexed by other[n]; bind the inner lookup to a name first",
    ),
    "output not bound": (
        lambda: define((y[n, d], x[n, d]), output=z[n, d]),
        "output: z[n, d] is not bound; bind it with let(z[n, d], ...) first",
    ),
    "output is an input": (
        lambda: define(output=x[n, d]),
        "output: x[n, d] is not bound; bind it with let(x[n, d], ...) first",
    ),
    "output of another rank": (
        lambda: define((y[n, d], x[n, d]), output=y[n]),
        "output: y[n] is bound as y[n, d]; write the output with the same indices",
    ),
    "transposed output": (
        lambda: define((y[n, m], Sum(x[n, d] * x[m, d] ** 2, d)), output=y[m, n]),
        "output: y[m, n] is bound as y[n, m]; write the output with the same indices",
    ),
    "tracked but not bound": (
        lambda: define((y[n, d], x[n, d]), tracked=[z[n]]),
        "tracked: z[n] is not bound; bind it with let(z[n], ...) first",
    ),
    "constant output": (
        lambda: define((y[n, d], 1)),
        "output: y[n, d] depends on no differentiable input; there is no gradient to derive",
    ),
    "output of labels alone": (
        lambda: define((y[n, d], t[n, d]), inputs=[X, given(t[n, d], mask())]),
        "output: y[n, d] depends on no differentiable input; there is no gradient to derive",
    ),
    "leading axis in the middle": (
        lambda: define((y[d, n], x[n, d]), leading=N),
        "binding y[d, n]: the leading axis is not the first of y[d, n]; write it first: x[n, d]",
    ),
    "leading is no axis": (
        lambda: define((y[n, d], x[n, d]), leading=K),
        "leading: K is the size of no axis; the sizes are D, N",
    ),
    "shift along another axis": (
        lambda: define((y[n, d], x[n, d]), shift=k),
        "shift: k is no index of x; shift along a named axis of the first input",
    ),
    "shift along leading dimensions": (
        lambda: define((y[n, d], x[n, d]), shift=n, leading=N),
        "shift: n is no index of x; shift along a named axis of the first input",
    ),
    "shift of an entry that is not bound so": (
        lambda: define((y[n, d], x[n, d]), shift=shift(y[d, n], d)),
        "shift: y[d, n] is declared as y[n, d]; write it with the same indices",
    ),
    "shift under what is no mask": (
        lambda: define((y[n, d], x[n, d]), shift=shift(y[n, d], d, where=x[n, d])),
        "shift: x[n, d] is no mask over the axes of y; declare it as given(..., mask())",
    ),
    "shift restored in another shape": (
        lambda: define((y[n, d], x[n, d]), shift=shift(x[n, d], d, restored=[y[n, d]])),
        "shift: y cannot get back what has the indices [n]; restore bindings of that shape",
    ),
    "fact about no sum": (
        lambda: define((y[n, d], x[n, d]), facts=[fact(x[n, d], 1)]),
        "fact x[n, d] = 1: the left side is not a plain sum; write it as fact(Sum(t[n, d], d), 1)",
    ),
    "scaled fact": (
        lambda: define((y[n, d], x[n, d]), facts=[fact(2 * Sum(x[n, d], d), 2)]),
        "fact 2*Sum(x[n, d], (d, 0, D - 1)) = 2: the left side is not a plain sum; write it as "
        "fact(Sum(t[n, d], d), 1)",
    ),
    "fact about a sum of additions": (
        lambda: define((y[n, d], x[n, d]), facts=[fact(Sum(x[n, d] + 1, d), 1)]),
        "fact Sum(x[n, d] + 1, (d, 0, D - 1)) = 1: it holds a sum or a function without a name; bind that with "
        "let(...) first",
    ),
    "fact in a circle": (
        lambda: define((y[n, d], x[n, d]), facts=[fact(Sum(x[n, d], d), Sum(x[n, d], d))]),
        "fact Sum(x[n, d], (d, 0, D - 1)) = Sum(x[n, d], (d, 0, D - 1)): it holds a sum or a function without a name; "
        "bind that with let(...) first",
    ),
    "fact with a free index": (
        lambda: define((y[n, d], x[n, d]), inputs=[X, given(a[k])], facts=[fact(Sum(x[n, d], d), a[k])]),
        "fact Sum(x[n, d], (d, 0, D - 1)) = a[k]: the right side has the free index k; only indices of the left side "
        "can be",
    ),
    "bad operation name": (
        lambda: Definition(
            name="Soft-Max",
            summary="",
            inputs=[X],
            lets=[let(y[n, d], x[n, d])],
            output=y[n, d],
            reference="x",
            source="derivations/bad.py",
        ),
        "the declaration: the name 'Soft-Max' cannot be a module; use lower-case letters, digits and underscores",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_message(case: str) -> None:
    """Each mistake is refused with one sentence that names the file, the binding and the remedy."""
    build, expected = CASES[case]
    with pytest.raises(DefinitionError) as caught:
        read(build())
    name = "Soft-Max" if case == "bad operation name" else "bad"
    assert str(caught.value) == f"derivations/bad.py: {name}: {expected}"


def test_text_is_not_evaluated() -> None:
    """A string is no expression: SymPy would evaluate it as Python."""
    with pytest.raises(DefinitionError) as caught:
        let(y[n, d], "x + 1")  # type: ignore[arg-type]
    assert str(caught.value) == "let(y[n, d], 'x + 1'): not a SymPy expression; write it with SymPy functions"
    with pytest.raises(DefinitionError) as caught:
        fact(Sum(x[n, d], d), None)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "fact(Sum(x[n, d], (d, 0, D - 1)), None): not a SymPy expression; write it with SymPy functions"
    )


def test_false_fact() -> None:
    """A fact that the inputs do not satisfy is found by the proof, before anything is proved with it."""
    definition = define(
        (loss, Sum(t[n, d] * x[n, d], n, d)),
        inputs=[X, given(t[n, d], simplex())],
        facts=[fact(Sum(t[n, d], d), 2)],
    )
    with pytest.raises(DefinitionError) as caught:
        prove(derive(read(definition)))
    assert str(caught.value) == (
        "derivations/bad.py: bad: fact Sum(t[n, d], (d, 0, D - 1)) = 2: does not hold for random inputs (1 is not 2); "
        "correct the fact or the domains of the inputs"
    )


@pytest.mark.parametrize("value", [log(x[n, d]), sqrt(x[n, d]), 1 / sqrt(-exp(x[n, d]))], ids=str)
def test_domain(value: sp.Expr) -> None:
    """An operation that is undefined on its declared domain is refused with the domain to declare."""
    with pytest.raises(DefinitionError) as caught:
        prove(derive(read(define((y[n, d], value - 9)))))
    assert str(caught.value) == (
        "derivations/bad.py: bad: no random inputs were found at which every binding is defined; check the domains "
        "of the inputs: log(x[n]) needs given(x[n], positive())"
    )
