"""A check as a Hypothesis test: one example is one case, so that Hypothesis' tools and HypoFuzz can drive it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradlab.errors import GradientError
from gradlab.verify.check import described
from gradlab.verify.examination import Examination
from gradlab.verify.plan import CASES_PER_ROUND
from gradlab.verify.profiles import Profile
from gradlab.verify.profiles import profile as profile_of
from gradlab.verify.rounds import Draw, drawn


def property_test(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    signature: str,
    *,
    profile: Any = "default",
    **options: Any,
) -> Callable[[], None]:
    """The check as a test function under Hypothesis' `@given`, for pytest, its statistics and database, and HypoFuzz.

    Takes the options of `gradlab.check`, but no `seed`: Hypothesis' own `--hypothesis-seed` does that. One example is
    one case; `profile` gives their number, a `hypothesis.settings` object also everything else. The test raises
    GradientError with the explained finding; its case is made small by gradlab, not by Hypothesis. HypoFuzz finds the
    test where pytest does, by its name in a test module. Raises SignatureError for arguments that make no sense.

    >>> import gradlab
    >>> test_square = gradlab.property_test(lambda x: x * x, lambda grad_output, x: 2 * x * grad_output, "(n)->(n)",
    ...                                     profile="quick")
    >>> test_square()
    >>> test_square.hypothesis.fuzz_one_input(bytes(range(64))) is None
    False
    """
    from hypothesis import HealthCheck, Phase, given, settings, target
    from hypothesis import strategies as st

    subject, specification, references = described(forward, backward, signature, **options)
    chosen = profile_of(profile)
    parent = chosen.settings if chosen.settings is not None else settings()
    examples = chosen.settings.max_examples if chosen.settings is not None else chosen.rounds * len(chosen.strata)
    last: dict[tuple[int, bytes], str] = {}

    def judge(index: int, draw: Draw) -> str:
        """The report of a case that fails, else nothing. Hypothesis runs a failure again, so it is remembered."""
        if (index, draw.content) not in last:
            examination = Examination(subject, specification, references, Profile(chosen.name, 1), draw.as_seed)
            failed, observed = examination.round(draw, only=index)
            for label, ratio in observed.items():
                target(min(ratio, 1e6), label=label)
            last.clear()
            last[index, draw.content] = str(examination.report()) if failed else ""
        return last[index, draw.content]

    @settings(
        parent,
        max_examples=examples,
        deadline=None,
        phases=tuple(phase for phase in parent.phases if phase not in (Phase.shrink, Phase.explain)),
        suppress_health_check=(HealthCheck.too_slow,),
    )
    @given(index=st.integers(0, CASES_PER_ROUND - 1), content=drawn())
    def test_gradients(index: int, content: bytes) -> None:
        __tracebackhide__ = True
        text = judge(index, Draw(content))
        if text:
            raise GradientError(text)

    test_gradients.__doc__ = f"The gradients of {subject.name} on a generated case."
    return test_gradients
