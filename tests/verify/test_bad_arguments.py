"""Arguments that make no sense are refused with the value and the remedy."""

from __future__ import annotations

from typing import Any

import pytest

import gradlab
from gradlab.errors import SignatureError


def check(signature: str = "(n)->(n)", **options: Any) -> gradlab.Report:
    """A check of x -> 3 x with some argument spoiled."""
    forward = options.pop("forward", lambda x: 3 * x)
    return gradlab.check(forward, lambda g, x: 3 * g, signature, profile=options.pop("profile", "quick"), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"signature": "n->n"}, "signature 'n->n': cannot read 'n'; write it like '(n,i),(o,i)->(n,o)'"),
        ({"signature": "(n)->(n),(n)"}, "signature '(n)->(n),(n)' has 2 outputs; exactly one is supported"),
        ({"names": ("x", "y")}, "names=('x', 'y') does not fit the signature '(n)->(n)' of 1 argument; give a tuple"),
        ({"names": "x"}, "names='x' does not fit the signature"),
        ({"domains": {"y": gradlab.real()}}, "domains: 'y' is not an argument; known: x"),
        ({"domains": {"x": "positive"}}, "domains['x']='positive' is not a domain; call one of gradlab.real, positive"),
        (
            {"domains": {"x": gradlab.labels("c")}},
            "domains['x']: labels('c') names no dimension of '(n)->(n)'",
        ),
        ({"domains": {"x": gradlab.mask()}}, "no differentiable argument among ('x',): nothing to verify"),
        ({"domains": {"x": gradlab.mask()}, "wrt": ("x",)}, "wrt: 'x' takes mask and has no gradient; leave it out"),
        ({"wrt": "x"}, "wrt='x' is a string; write a tuple: wrt=('x',)"),
        ({"wrt": ("weights",)}, "wrt: 'weights' is not an argument; known: x"),
        ({"wrt": ()}, "no differentiable argument among ('x',)"),
        ({"dims": {"m": (1, 2)}}, "dims: 'm' is not a dimension of '(n)->(n)'; known: n"),
        ({"dims": {"n": (5, 3)}}, "dims['n']=(5, 3) allows no size; write (lowest, highest) with 0 <= lowest"),
        ({"where": lambda dims, params: False}, "where: no sizes found that satisfy it with n in (0, None); relax"),
        ({"params": {"p": 2.0}}, "params['p']=2.0 is not a tuple of legal values, default first"),
        ({"dtypes": ("int16",)}, "dtypes: 'int16' is not a supported dtype; did you mean 'float16'?"),
        ({"order": 3}, "order=3 is not supported; use 1 (first derivatives) or 2 (second as well)"),
        ({"jvp": 3}, "jvp=3 cannot be called; pass a function"),
        ({"exclude": {"layouts": "why"}}, "exclude: 'layouts' is not a law; did you mean 'layout'?"),
        ({"exclude": {"layout": ""}}, "exclude['layout']='' is not a reason; write why the law does not apply"),
        ({"exclude": ["layout"]}, "exclude=['layout'] is not a dictionary; write {'law': 'the reason'}"),
        ({"broadcast": True}, "broadcast=True for '(n)->(n)': only what `...` stands for is broadcast; write True and"),
        ({"profile": "quik"}, "profile='quik' is unknown; did you mean 'quick'?"),
        ({"forward": 3}, "forward=3 cannot be called; pass a function"),
        ({"reference": 3}, "reference=3 cannot be called; pass a function of the same arguments"),
        ({"domains": {"x": gradlab.simplex()}, "signature": "()->()"}, "domains['x']: simplex needs a last axis"),
    ],
)
def test_refused(options: dict[str, Any], message: str) -> None:
    """Each message begins with what was given and ends with what to write instead."""
    with pytest.raises(SignatureError) as caught:
        check(**options)
    assert str(caught.value).startswith(message)


def test_a_hypothesis_profile_is_a_profile() -> None:
    """`max_examples` of a Hypothesis profile, rounded up to whole rounds of 15 cases."""
    from hypothesis import settings

    assert check(profile=settings(max_examples=20), seed=0).cases == 30
