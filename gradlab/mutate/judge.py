"""gradlab's own check as the test that is scored."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from gradlab.adapters.torch_kernels import one_thread
from gradlab.mutate.bench import Bench
from gradlab.mutate.outcome import Verdict
from gradlab.verify.calls import describe, quiet
from gradlab.verify.check import run


def judge(bench: Bench, text: str | None, *, profile: Any = "default", seed: int = 0) -> Verdict:
    """Check the mutant of this text; `None` checks the original. A check stops at its first round with a failure.

    As in a test, only a pass lets a mutant live: `gradlab.verify` raises for a check that is inconclusive too.

    >>> from gradlab.mutate.bench import registered
    >>> judge(registered("relu"), None, profile="quick")
    Verdict(status='survived', why='')
    """
    try:
        with quiet():
            subject = bench.subject(text)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Verdict("invalid", f"could not be imported: {describe(error)}")
    # A reference may be torch; without one there is no reason to import it.
    with one_thread() if bench.references else nullcontext():
        report = run(subject, bench.specification, bench.references, profile=profile, seed=seed, shrinking=False)
    if report.verdict == "pass":
        return Verdict("survived")
    first = next(iter(report.failures), None)
    return Verdict("killed", f"{first.law}: {first.claim}" if first else f"inconclusive: {report.reasons[0]}")
