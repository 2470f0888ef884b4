"""Does gradlab name the mistake? The diagnosis of each mutant against the labels that the zoo gives it.

    python -m benchmarks.diagnosis [--half tune] [--profile default] [--workers 2] [--json PATH]

A diagnosis is right where its kind is among the mutant's acceptable ones. What counts is the first failure that has a
diagnosis: that is what a reader sees first.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.runs import Record, Task, add_running, complete, count, records
from benchmarks.tables import plain_table, share, wide_console, write_json

UNLABELLED = "without a label"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when all mutants were checked, 2 on bad input, 130 after Ctrl-C."""
    from benchmarks.animals import choose
    from benchmarks.report import machine
    from benchmarks.zoo import CATEGORIES

    options = parser().parse_args(arguments)
    errors = Console(stderr=True, soft_wrap=True)
    try:
        zoo = choose(options.half, options.category or CATEGORIES, options.only)
    except ValueError as error:
        errors.print(f"error: {error}", markup=False, highlight=False)
        return 2
    todo = [
        Task(
            {"animal": animal.name, "group": animal.group, "half": animal.half, "seed": seed},
            examine,
            (animal.name, options.profile, seed),
        )
        for seed in range(options.seeds)
        for animal in zoo
    ]
    finished = complete(todo, options, errors)
    # Labels are read now, not from the log: they may have been mended since.
    labels = {animal.name: list(animal.kinds) for animal in zoo}
    found = [judged(record, labels[record["animal"]]) for record in records(todo, options)]
    shown = [record for record in found if options.reveal or record["half"] == "tune"]
    output = wide_console()
    output.print(table(found))
    for line in mistakes(shown):
        output.print(line, markup=False, highlight=False, soft_wrap=True)
    settings = {name: getattr(options, name) for name in ("seeds", "profile", "half", "category", "only")}
    document = {"complete": finished, "settings": settings, "machine": machine(), "all": counts(found)}
    by_half = {half: counts([r for r in found if r["half"] == half]) for half in ("tune", "held_out")}
    write_json(options.json, document | {"by_half": by_half, "by_kind": by_kind(found), "runs": shown})
    output.print(f"written: {options.json}; every check: {options.log}", soft_wrap=True, highlight=False)
    return 0 if finished else 130


def examine(name: str, profile: str, seed: int) -> Record:
    """One check as a user runs it, shrinking included; for a worker process."""
    from benchmarks.animals import animals
    from benchmarks.checkers.by_gradlab import specification_of
    from gradlab.adapters.functions import from_functions
    from gradlab.verify.check import run

    subject = animals()[name].build()
    specification = specification_of(subject)
    if specification is None:
        return {"verdict": "not applicable"}
    report = run(from_functions(subject.forward, subject.backward), specification, profile=profile, seed=seed)
    found = [(failure, getattr(failure, "diagnosis", None)) for failure in report.failures]
    return {
        "verdict": report.verdict,
        "seconds": report.seconds,
        "claims": [f"{failure.law}: {failure.argument}: {failure.claim}"[:300] for failure, _ in found],
        "said": [diagnosis.kind for _, diagnosis in found if diagnosis is not None],
        "texts": [str(getattr(diagnosis, "text", ""))[:300] for _, diagnosis in found if diagnosis is not None],
    }


def judged(record: Record, kinds: list[str]) -> Record:
    """The record with its label and what came of it: "right", "wrong", "none" or "not found"; "no label" without."""
    said = record.get("said", [])
    if record["verdict"] == "not applicable":
        result = "not applicable"
    elif not kinds:
        result = "no label"
    elif record["verdict"] != "fail":
        result = "not found"
    elif not said:
        result = "none"
    else:
        result = "right" if said[0] in kinds else "wrong"
    return record | {"kinds": kinds, "result": result}


def counts(found: Sequence[Record]) -> dict[str, int]:
    """How often which result came."""
    return dict(Counter(record["result"] for record in found))


def by_kind(found: Sequence[Record]) -> dict[str, dict[str, int]]:
    """The same by the first kind of the label, in the vocabulary's order."""
    from gradlab.verify.diagnose.diagnosis import KINDS

    groups: dict[str, list[Record]] = {kind: [] for kind in (*KINDS, UNLABELLED)}
    for record in found:
        groups.setdefault(record["kinds"][0] if record["kinds"] else UNLABELLED, []).append(record)
    return {kind: counts(group) for kind, group in groups.items() if group}


def table(found: Sequence[Record]) -> Table:
    """A row for each kind, for each half and for all."""
    result = plain_table(
        "Diagnoses of the zoo's mutants",
        "kind", "right", "wrong", "none", "not found", "not applicable", "no label",
        caption="shares are of the labelled mutants that were found wrong",
    )  # fmt: skip

    def row(title: str, number: dict[str, int]) -> None:
        diagnosed = sum(number.get(key, 0) for key in ("right", "wrong", "none"))
        result.add_row(
            title,
            *(share(number.get(key, 0), diagnosed) for key in ("right", "wrong", "none")),
            *(str(number.get(key, 0)) for key in ("not found", "not applicable", "no label")),
        )

    for kind, number in by_kind(found).items():
        row(kind, number)
    result.add_section()
    for half in ("tune", "held_out"):
        row(f"half {half}", counts([record for record in found if record["half"] == half]))
    row("all", counts(found))
    return result


def mistakes(shown: Sequence[Record]) -> Iterator[str]:
    """Each mutant whose first diagnosis is wrong or that has none."""
    for record in shown:
        if record["result"] in ("wrong", "none"):
            said: Any = record["said"][0] if record["said"] else "nothing"
            yield f"{record['result']}: {record['animal']} is {' or '.join(record['kinds'])}; the report says {said}"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from benchmarks.animals import add_choice
    from benchmarks.zoo import CATEGORIES

    cli = argparse.ArgumentParser(
        prog="python -m benchmarks.diagnosis",
        description="Check every mutant of the zoo and compare the diagnosis with the mutant's labels.",
    )
    cli.add_argument("--seeds", type=count, default=1, metavar="N", help="run with seeds 0 to N-1 (default: 1)")
    cli.add_argument("--profile", default="default", choices=("quick", "default", "thorough"))
    add_choice(cli, groups=CATEGORIES)
    add_running(cli, "diagnosis")
    cli.add_argument("--reveal", action="store_true", help="name mutants of the held-out half too")
    return cli


if __name__ == "__main__":
    sys.exit(main())
