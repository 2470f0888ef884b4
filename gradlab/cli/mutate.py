"""`gradlab mutate`: plant small mistakes in a backward pass and count how many a test notices."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlab import registry
from gradlab.cli.progress import shown
from gradlab.cli.targets import add_options, described, names_and_targets
from gradlab.cli.verify import _count, _positive
from gradlab.errors import SignatureError
from gradlab.verify import options

if TYPE_CHECKING:
    from gradlab.cli.mutation_runs import OwnCheck, OwnCommand
    from gradlab.cli.mutation_targets import Origin
    from gradlab.mutate.generate import Mutant
    from gradlab.mutate.outcome import Outcome
    from gradlab.verify.workers import Pool

# Seconds that a check of a mutant, or its comparison with the original, may take; as `gradlab verify` has it.
_LIMIT = 60.0

_EPILOG = """examples:
  gradlab mutate softmax                             how good is gradlab's own check of this kernel?
  gradlab mutate course.py:linear_backward -- pytest tests/test_linear.py -x -q
  gradlab mutate package.layers:Linear.backward -n 4 -- python -m pytest tests
  gradlab mutate course.py:linear --signature "(n,i),(o,i),(o)->(n,o)"
  gradlab mutate course.py:linear --mutant 12-sign-1 -- pytest tests   one mutant again
  gradlab mutate course.py:linear --list             the mutants alone

Each mutant is one small mistake in the source of the backward: a sign, a factor, an axis, another array, … The command
after -- is run once without any, then on each; it kills a mutant by failing, or by taking several times as long.
Without a command gradlab's own check is the test. Your file is never written: Python processes of the command import
the mutant in its place. Survivors are compared with the original, by algebra and by running both; those that compute
the same are listed as equivalent and do not count.

exit status: 0 all were killed; 1 some survived; 2 the request makes no sense; 130 interrupted, with what is known
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "mutate",
        help="score a test: how many small mistakes in a backward pass does it notice?",
        description="Mutation testing of gradients: plant small mistakes in the NumPy source of a backward pass, and "
        "count how many a test command, or gradlab's own check, notices.",
        usage="gradlab mutate [options] OP|FILE.py:NAME|MODULE:NAME … [-- COMMAND …]",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", metavar="OP|FILE.py:NAME|MODULE:NAME", nargs="*", help="by default all operations")
    options.add_options(parser.add_argument)
    parser.add_argument("--forward", action="store_true", help="mutate the forward as well")
    parser.add_argument("--operator", metavar="NAME", action="append", default=[], help="only mutants of this kind")
    parser.add_argument("--mutant", metavar="ID", action="append", default=[], help="only this mutant")
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    parser.add_argument("-n", "--workers", metavar="WORKERS", type=_count, default=1, help="mutants side by side (1)")
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_positive,
        help="limit for each mutant (of a command, five times the clean run)",
    )
    parser.add_argument("--json", metavar="PATH", type=Path, help="write every mutant and what became of it")
    parser.add_argument(
        "--resume", metavar="PATH", type=Path, help="log of verdicts, one JSON line each; those in it are not run again"
    )
    add_options(parser)
    parser.set_defaults(run=run, error=parser.error, command=None)


def run(arguments: argparse.Namespace) -> int:
    """Make mutants, run the test on them, print what became of them."""
    if arguments.command == []:
        raise SignatureError("nothing follows --; write: gradlab mutate TARGET -- COMMAND …")
    names, targets = names_and_targets(arguments.names)
    line = described(arguments)
    if line and not targets:
        raise SignatureError(f"--{next(iter(line)).removesuffix('s')} describes a function of yours; name its file")
    from gradlab.verify.workers import Pool

    # The time limit of a command's mutants is not one of gradlab's own work on them.
    limit = (None if arguments.command else arguments.timeout) or _LIMIT
    with Pool(arguments.workers, timeout=limit) as pool:
        chosen = [(origin, _mutants(origin, arguments)) for origin in _origins(arguments, names, targets, line, pool)]
        return _listed(chosen) if arguments.list else _scored(arguments, chosen, pool)


def _listed(chosen: Sequence[tuple[Origin, list[Mutant]]]) -> int:
    for origin, mutants in chosen:
        print(origin.label)
        print("\n".join(f"  {mutant.id}: {mutant.description}" for mutant in mutants))
    return 0


def _scored(arguments: argparse.Namespace, chosen: Sequence[tuple[Origin, list[Mutant]]], pool: Pool) -> int:
    from gradlab.cli import mutation_runs
    from gradlab.mutate import listing

    seed = secrets.randbelow(1 << 32) if arguments.seed is None else arguments.seed
    test: OwnCheck | OwnCommand
    if arguments.command:
        test = mutation_runs.OwnCommand(arguments.command, arguments.workers, arguments.timeout)
    else:
        test = mutation_runs.OwnCheck(arguments.profile, seed, pool)
    # All of them first: a request that makes no sense is refused before anything is spent on the others.
    for origin, _ in chosen:
        test.clean(origin)
    done: list[tuple[str, list[Outcome]]] = []
    interrupted = False
    for origin, mutants in chosen:
        outcomes, interrupted = _examined(origin, mutants, test, arguments.resume, seed, pool)
        done.append((origin.label, outcomes))
        _print(origin.label, outcomes)
        if interrupted:
            break
    everything = [outcome for _, outcomes in done for outcome in outcomes]
    total = f"all: {listing.summary(everything)}; " if len(done) > 1 else ""
    print(f"{'interrupted; ' if interrupted else ''}{total}test: {test}; seed {seed}")
    if arguments.json:
        data = {
            "test": str(test),
            "seed": seed,
            "interrupted": interrupted,
            "targets": [listing.as_dict(label, outcomes) for label, outcomes in done],
        }
        arguments.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    if interrupted:
        return 130
    return 1 if any(outcome.kind == "survived" for outcome in everything) else 0


# What is mutated -----------------------------------------------------------------------------------------------------


def _origins(
    arguments: argparse.Namespace, names: Sequence[str], targets: Sequence[Any], line: dict[str, Any], pool: Pool
) -> list[Origin]:
    from gradlab.cli import mutation_targets as found
    from gradlab.mutate.source import Source

    names = names if names or targets else registry.names()
    origins = [found.operation_origin(name, forward=arguments.forward) for name in names]
    for target in targets:
        if arguments.command or (arguments.list and target.name):
            path = target.module if target.is_file else _asked(pool, target, found.located, target)
            origins.append(found.file_origin(target, path, line, forward=arguments.forward))
        else:
            if target.is_file:
                Source.read(target.module)  # says so where it is no Python, before it is imported
            origins += _asked(pool, target, found.origins, target, line, arguments.forward)
    return list({origin.key: origin for origin in origins}.values())  # one that is named twice is scored once


def _asked(pool: Pool, target: Any, function: Any, *values: Any) -> Any:
    """The answer of a function that may import the user's code, from a worker process."""
    from gradlab.verify.confined import Job

    (answer,) = pool.run([Job(str(target), function, values, target.module)])
    if answer.refused or answer.died:
        where = f" ({answer.place})" if answer.place else ""
        raise SignatureError(answer.refused or f"{target}: import raises {answer.died}{where}")
    return answer.value


def _mutants(origin: Origin, arguments: argparse.Namespace) -> list[Mutant]:
    from gradlab.mutate.generate import mutants
    from gradlab.mutate.source import Source
    from gradlab.verify.specification import suggestion

    source = Source.read(origin.path)
    made = [mutant for name in origin.functions for mutant in mutants(source, name, arguments.operator)]
    if not made:
        kinds = f" by {', '.join(arguments.operator)}" if arguments.operator else ""
        raise SignatureError(f"{origin.label}: no mutants{kinds}: it has nothing that could be written wrongly")
    if arguments.mutant:
        ids = [mutant.id for mutant in made]
        for wanted in arguments.mutant:
            if wanted not in ids:
                raise SignatureError(f"{origin.label}: no mutant {wanted!r}; {suggestion(wanted, ids)}")
        made = [mutant for mutant in made if mutant.id in arguments.mutant]
    return made


# What becomes of it --------------------------------------------------------------------------------------------------


def _examined(
    origin: Origin,
    mutants: Sequence[Mutant],
    test: OwnCheck | OwnCommand,
    resumed: Path | None,
    seed: int,
    pool: Pool,
) -> tuple[list[Outcome], bool]:
    """The outcomes that are known, and whether Ctrl-C ended it early."""
    from gradlab.cli import mutation_runs
    from gradlab.mutate.log import Log
    from gradlab.mutate.normal_form import proofs
    from gradlab.mutate.outcome import Outcome
    from gradlab.mutate.source import Source

    source = Source.read(origin.path)
    compared: dict[int, Any] = proofs(source, mutants)
    log = Log(resumed, str(test))
    known = {k: found for k, mutant in enumerate(mutants) if k not in compared and (found := log.find(mutant))}
    interrupted = False
    try:
        left = [(k, mutant) for k, mutant in enumerate(mutants) if k not in compared and k not in known]
        with closing(test.verdicts(origin, left)) as stream:
            for k, verdict, seconds in shown(stream, len(left), f"{origin.label}: mutants"):
                known[k] = verdict, seconds
                log.add(mutants[k], verdict, seconds)
        lived = [(k, mutants[k]) for k, (verdict, _) in sorted(known.items()) if verdict.status == "survived"]
        with closing(mutation_runs.comparisons(origin, lived, seed, pool)) as comparisons:
            compared.update(shown(comparisons, len(lived), f"{origin.label}: survivors"))
    except KeyboardInterrupt:
        interrupted = True
    outcomes = []
    for k, mutant in enumerate(mutants):
        if k in known:
            verdict, seconds = known[k]
            outcomes.append(Outcome(mutant, verdict, compared.get(k), seconds))
        elif k in compared:
            outcomes.append(Outcome(mutant, None, compared[k]))
    return outcomes, interrupted


def _print(label: str, outcomes: Sequence[Outcome]) -> None:
    from rich.console import Console

    from gradlab.mutate import listing

    console = Console() if Console().is_terminal else Console(width=200)
    for text in (*listing.others(outcomes), *listing.equivalents(outcomes), *listing.survivors(outcomes)):
        print(text)
    console.print(listing.table(outcomes))
    print(f"{label}: {listing.summary(outcomes)}")
