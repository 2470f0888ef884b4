"""The result for the reader: a table by operator, the survivors with their diffs and witnesses, one line of score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gradlab.mutate.operators import OPERATORS
from gradlab.mutate.outcome import KINDS, Outcome, count, score

if TYPE_CHECKING:
    from rich.table import Table


def table(outcomes: Sequence[Outcome]) -> Table:
    """A rich table, one row for each operator that made mutants, and their sum."""
    from rich.table import Table

    shown = [kind for kind in KINDS if kind != "invalid" or count(outcomes, "invalid")]
    result = Table()
    result.add_column("operator")
    for header in ("mutants", *shown):
        result.add_column(header, justify="right")
    for operator in OPERATORS:
        own = [outcome for outcome in outcomes if outcome.mutant.operator == operator]
        if own:
            result.add_row(operator, str(len(own)), *(_number(count(own, kind), kind) for kind in shown))
    result.add_section()
    result.add_row("all", str(len(outcomes)), *(_number(count(outcomes, kind), kind) for kind in shown))
    return result


def _number(value: int, kind: str) -> str:
    if not value:
        return ""
    return f"[bold red]{value}[/]" if kind == "survived" else str(value)


def survivors(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Of each mutant that a test should have noticed: what it is, its diff, and the inputs on which it differs."""
    for outcome in outcomes:
        if outcome.kind != "survived":
            continue
        mutant, compared = outcome.mutant, outcome.comparison
        yield f"survived {mutant.id}: {mutant.description}"
        yield from (f"  {line}" for line in mutant.diff.splitlines())
        if compared is None:
            yield "  not compared with the original"
        elif compared.witness:
            yield f"  differs: {compared.witness[0]}"
            yield from (f"  {line}" for line in compared.witness[1:])
        else:
            yield f"  {compared.why}"


def equivalents(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Of each mutant that no test could be blamed for, one line with the reason."""
    for outcome in outcomes:
        if outcome.kind == "equivalent" and outcome.comparison is not None:
            yield f"equivalent {outcome.mutant.id}: {outcome.mutant.description}: {outcome.comparison.why}"


def others(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Mutants that ran into the time limit, which counts as noticed, and those that could not be imported."""
    for outcome in outcomes:
        if outcome.verdict is not None and outcome.verdict.status in ("timed out", "invalid"):
            mutant, verdict = outcome.mutant, outcome.verdict
            yield f"{verdict.status} {mutant.id}: {mutant.description}: {verdict.why}"


def summary(outcomes: Sequence[Outcome]) -> str:
    """`killed 27 of 28 (96.4 %); 3 equivalent`."""
    value = score(outcomes)
    killed, survived = count(outcomes, "killed"), count(outcomes, "survived")
    # 99.96 % is not all of them.
    share = "nothing to kill" if value is None else f"{int(value * 1000) / 10:.1f} %"
    parts = [f"killed {killed} of {killed + survived} ({share})"]
    parts += [f"{count(outcomes, kind)} {kind}" for kind in ("equivalent", "invalid") if count(outcomes, kind)]
    return "; ".join(parts)


def as_dict(label: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Counts, score and every mutant, for JSON."""
    return {
        "target": label,
        "mutants": len(outcomes),
        **{kind: count(outcomes, kind) for kind in KINDS},
        "score": score(outcomes),
        "outcomes": [outcome.as_dict() for outcome in outcomes],
    }
