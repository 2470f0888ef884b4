"""The parts of a report that belong to no argument: laws that were declared, oracles, and their disputes."""

from __future__ import annotations

from typing import Any

from gradlab.verify.cross import testimony
from gradlab.verify.specification import Specification
from gradlab.verify.tally import Tally

_REFUSES = " refuses the case"


def further(tally: Tally) -> list[str]:
    """Lines of text: what declared laws compared, who was asked, who refused, who disagreed."""
    lines = [
        f"{law}: {found.count} comparisons, worst {found.worst:.2g} of the tolerance"
        for law, found in sorted(tally.comparisons.items())
    ]
    lines += filter(None, [testimony(tally.consulted)])
    for cause, count in tally.skipped.items():
        if cause.endswith(_REFUSES):
            lines.append(f"{cause.removesuffix(_REFUSES)} refuses {count} of {tally.cases} cases: no opinion there")
    lines += [str(dispute) for disputes in tally.disputes.values() for dispute in disputes]
    return lines


def further_data(tally: Tally) -> dict[str, Any]:
    """The same for JSON."""
    return {
        "comparisons": {law: {"count": found.count, "worst": found.worst} for law, found in tally.comparisons.items()},
        "consulted": [{"oracle": name, "independent": own} for name, own in sorted(tally.consulted.items())],
        "disputes": [dispute.as_dict() for disputes in tally.disputes.values() for dispute in disputes],
    }


def unexercised(specification: Specification, tally: Tally) -> list[str]:
    """Declared laws that found nothing to compare: a declaration nobody looked at is no pass."""
    extras = specification.extras
    wanted = {
        "batch": extras.batch is not None,
        "jvp": extras.jvp is not None,
        "second_order": extras.order == 2,
        "second_order of double_backward": extras.double_backward is not None,
        **{f"precision in {dtype}": True for dtype in extras.low},
    }
    return [
        f"{law} was not verified: no case had numbers to compare"
        for law, asked in wanted.items()
        if asked and law.partition(" ")[0] not in specification.exclude and law not in tally.comparisons
    ]
