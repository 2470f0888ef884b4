"""A traced function: its formula, its names, its derivation; and what is said of functions that cannot be traced."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradlab.errors import FormulaError, SignatureError
from gradlab.operation import positive
from gradlab.symbolic import traced
from gradlab.symbolic.formula.stable import proved

# mypy: disable-error-code="no-untyped-def"


def batch_norm(x, gamma, beta, eps=1e-5):
    """Batch normalisation, its variance by NumPy."""
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    x_hat = (x - mu) / np.sqrt(var + eps)
    return gamma * x_hat + beta


def softmax(x):
    """Softmax with a shift."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def attention(Q, K, V):
    """One head of attention."""
    scores = Q @ K.T / np.sqrt(Q.shape[-1])
    e = np.exp(scores)
    return e / e.sum(axis=-1, keepdims=True) @ V


def cross_entropy(x, label):
    """The mean negative log-probability of the labels."""
    logp = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    return -np.take_along_axis(logp, label[:, None], axis=1).mean()


def standardise(x):
    """Mean 0 and variance 1 in place."""
    x = x - x.mean(axis=1, keepdims=True)
    x /= np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    return x


def huber(y, t, delta=1.0):
    """With a mask that has a name."""
    near = np.abs(y - t) <= delta
    return np.sum(near * 0.5 * (y - t) ** 2 + (1 - near) * delta * (np.abs(y - t) - delta / 2))


EXAMPLES: dict[Callable[..., Any], tuple[str, str]] = {
    batch_norm: (
        "(n,d),(d),(d)->(n,d)",
        """mu[d] = mean[n](x[n,d])
var[d] = mean[n]((x[n,d] - mu[d])**2)
x_hat[n,d] = (x[n,d] - mu[d])/sqrt(var[d] + eps)
y[n,d] = gamma[d]*x_hat[n,d] + beta[d]""",
    ),
    softmax: (
        "(n,d)->(n,d)",
        """e[n,d] = exp(x[n,d] - max[d1](x[n,d1]))
y[n,d] = e[n,d]/sum[d1](e[n,d1])""",
    ),
    attention: (
        "(q,d),(k,d),(k,v)->(q,v)",
        """scores[q,k] = sum[d](Q[q,d]*K[k,d])/sqrt(D)
e[q,k] = exp(scores[q,k])
y[q,v] = sum[k](e[q,k]/sum[k1](e[q,k1])*V[k,v])""",
    ),
    cross_entropy: (
        "(n,k),(n)->()",
        """logp[n,k] = x[n,k] - log(sum[k1](exp(x[n,k1])))
y = -mean[n](logp[n,label[n]])""",
    ),
    standardise: (
        "(n,d)->(n,d)",
        """t1[n,d] = x[n,d] - mean[d1](x[n,d1])
y[n,d] = t1[n,d]/sqrt(mean[d1](t1[n,d1]**2) + 1e-05)""",
    ),
    huber: (
        "(n),(n)->()",
        """t1[n] = y[n] - t[n]
t2[n] = abs(t1[n])
near[n] = t2[n] <= delta
out = sum[n](near[n]*0.5*t1[n]**2 + (1 - near[n])*delta*(t2[n] - delta/2))""",
    ),
}


@pytest.mark.parametrize("function", EXAMPLES, ids=lambda function: function.__name__)
def test_formula(function: Callable[..., Any]) -> None:
    """Variables keep their names, what is computed twice stands once, and what the formula says is what is computed."""
    signature, expected = EXAMPLES[function]
    trace = traced(signature)(function)
    assert trace.formula == expected
    assert trace.definition.name == function.__name__


@pytest.mark.parametrize("name", [function.__name__ for function in EXAMPLES])
def test_derivation_is_proved(name: str) -> None:
    """Every step of it, and every mutant is rejected."""
    function = next(function for function in EXAMPLES if function.__name__ == name)
    _, proof = proved(traced(EXAMPLES[function][0])(function).definition)
    assert proof.killed == proof.mutants > 0


def test_it_stays_the_function() -> None:
    """Called with numbers, it is what it was; its name and documentation stay."""

    @traced("(n)->(n)")
    def double(x):
        """Twice x."""
        return 2 * x

    assert double(np.arange(3.0)).tolist() == [0, 2, 4]
    assert (double.__name__, double.__doc__) == ("double", "Twice x.")
    assert repr(double) == "<traced double: (n)->(n)>"


def test_parameters_and_constants() -> None:
    """Positive floats by default are parameters of the formula, all other defaults constants."""
    trace = traced("(n,d)->(n,d)")(lambda x, axis=1, tau=0.5, shift=0.0: x.sum(axis=axis)[:, None] / tau + x + shift)
    assert trace.formula == "y[n,d] = sum[d1](x[n,d1])/tau + x[n,d] + 0"
    (parameter,) = trace.definition.parameters
    assert (parameter.name, parameter.default, parameter.minimum, parameter.maximum) == ("tau", 0.5, 0.05, 1.0)


def test_wrt_and_domains() -> None:
    """They say what has a gradient, and where arguments live."""
    trace = traced("(n),(n)->(n)", wrt=["x"], domains={"x": positive()})(lambda x, z: x * z)
    assert [(item.differentiable, item.domain.kind) for item in trace.definition.inputs] == [
        (True, "positive"),
        (False, "real"),
    ]


def changes_its_input(x):
    """Takes the mean away in the caller's array."""
    x -= x.mean()
    return x


def test_a_change_of_the_input_is_refused() -> None:
    """A formula cannot say it, and the function would change the numbers of whoever calls it."""
    with pytest.raises(FormulaError, match="it raises ValueError: output array is read-only; correct it"):
        _ = traced("(n)->(n)")(changes_its_input).definition


def test_nowhere_defined_is_no_agreement() -> None:
    """Where no point could be compared, the trace is not taken for right."""
    with pytest.raises(FormulaError, match="no small numbers at which its formula is defined; say with domains="):
        _ = traced("(n)->(n)")(lambda x: np.sqrt(-1 - x**2)).definition


def test_an_index_is_no_input() -> None:
    """An input that is called like a dimension, or like a size that is used, gives the index another name."""
    trace = traced("(n),(d)->(n,d)")(lambda n, D: n[:, None] * D / D.shape[0])
    assert trace.formula == "y[n_1,d_1] = n[n_1]*D[d_1]/D_1"
    assert trace.definition.formula == trace.formula


def test_assignment_in_place_gives_a_new_value() -> None:
    """What was computed before keeps the old one."""

    def function(x):
        before = x * 2
        before_again = before + 1
        before *= 3
        return before + before_again

    assert traced("(n)->(n)")(function).formula.split("\n") == [
        "t1[n] = x[n]*2",
        "before[n] = t1[n]*3",
        "before_again[n] = t1[n] + 1",
        "y[n] = before[n] + before_again[n]",
    ]


def test_an_alias_is_seen_by_its_numbers() -> None:
    """A view of what is changed later is beyond a trace, and the comparison in numbers says so."""

    def function(x):
        y = x + 0
        view = y.T
        y *= 2
        return view

    with pytest.raises(FormulaError, match="function is not what its trace says: for inputs"):
        _ = traced("(n)->(n)")(function).definition


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, "the function branches on a value; write np.where"),
        (lambda x: sum(value for value in x), "a loop over an array; write it with whole arrays"),
        (lambda x: math.exp(x), "use NumPy's, such as np.exp(x)"),
        (lambda x: np.asarray(x) * 2, "leave out np.asarray"),
        (lambda x: x / len(x), "write x.shape[0]"),
        (lambda x: x * [1, 2, 3][x.shape[0]], "a size or an entry is used as a whole number"),
        (lambda x: x.cumsum(), "x.cumsum has no formula"),
        (lambda x: x.__setitem__(0, 1), "an assignment to entries"),
        (lambda x: (x, x), "returns a tuple; a formula has one output, an array"),
        (lambda x: x[:, None], "returns an array of shape (n, 1); signature '(n)->(n)' says (n,)"),
        (lambda x: 1 / 0 * x, "ZeroDivisionError: division by zero"),
        (lambda x: x * 2 if isinstance(x, np.ndarray) else x * 3, "is not what its trace says"),
        (lambda x: x + 1 if not isinstance(x, np.ndarray) else x + np.ones(7), "it raises ValueError"),
    ],
)
def test_what_cannot_be_traced(function: Callable[..., Any], message: str) -> None:
    """It is one error with the place, the cause and the remedy."""
    with pytest.raises(FormulaError) as caught:
        _ = traced("(n)->(n)")(function).definition
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("signature", "message"),
    [
        ("(...,n)->(n)", "... has no name; a traced function needs one for each axis"),
        ("(n,3)->(n)", "3 has no name"),
        ("(n),(n)->(n)", "signature '(n),(n)->(n)' has 2 inputs; give one shape for each argument"),
        ("n->n", "cannot read 'n'"),
    ],
)
def test_signatures_that_do_not_fit(signature: str, message: str) -> None:
    """They are refused when the decorator is applied."""
    with pytest.raises(SignatureError) as caught:
        traced(signature)(lambda x: x)
    assert message in str(caught.value)
