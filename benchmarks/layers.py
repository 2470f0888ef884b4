"""Whole training steps with gradlab's layers against torch.nn's: time, memory, growth with the batch.

    python -m benchmarks.layers [NETWORKS] [--quick] [--threads 1,2] [--compile] [--growth PLOT.png] [--json PATH]

A step is forward, loss and backward, without the optimiser, which is torch.optim's for both. Rivals are interleaved at
random; ratios are taken within a round. One thread: CPU time; several: wall time. NumPy's backwards against the best
hand-written ones: `python -m benchmarks.kernels`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.networks import NETWORKS
from benchmarks.runs import RESULTS, count
from benchmarks.tables import plain_table, wide_console, write_json
from benchmarks.timing import THREAD_VARIABLES, Samples

GOAL = 1.05
"""What a step with gradlab's torch layers may take, as a multiple of torch.nn's eager step."""

BATCHES = (1, 10, 100, 1000, 10_000)
GROWING = "mlp"
BASE = "torch.nn"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when every step was measured, 1 where losses differ, 2 on bad input, 130 after Ctrl-C."""
    options = parser().parse_args(arguments)
    console = Console(stderr=True)
    unknown = [name for name in options.names if name not in NETWORKS]
    if unknown:
        console.print(f"error: unknown network {unknown[0]!r}; choose from {', '.join(NETWORKS)}", highlight=False)
        return 2
    rounds = options.repeats or (3 if options.quick else 15)
    results: list[dict[str, Any]] = []
    growth: list[dict[str, Any]] = []
    status = 0
    try:
        for threads in options.threads:
            for name in options.names or NETWORKS:
                batch = 8 if options.quick else NETWORKS[name].batch
                console.print(f"{name}, batch {batch}, {threads} thread(s) …", highlight=False)
                results.append(_in_a_process(name, batch, threads, rounds, options.seed, options.compile, False))
        if options.growth:
            for batch in BATCHES[: 3 if options.quick else None]:
                console.print(f"{GROWING}, batch {batch} …", highlight=False)
                growth.append(_in_a_process(GROWING, batch, 1, 3, options.seed, False, True))
    except ArithmeticError as error:
        console.print(f"error: {error}", markup=False, highlight=False)
        status = 1
    except KeyboardInterrupt:
        console.print("interrupted; what is done is printed")
        status = 130
    output = wide_console()
    output.print(table(results))
    if growth:
        from benchmarks.growth import plot, slopes

        plot(growth, options.growth)
        for package, slope in slopes(growth).items():
            output.print(f"{package}: time grows as batch^{slope:.2f} above 100", highlight=False)
    settings = {"quick": options.quick, "repeats": rounds, "seed": options.seed, "compiled": options.compile}
    write_json(options.json, {"settings": settings, "cpus": os.cpu_count(), "steps": results, "growth": growth})
    output.print(f"written: {options.json}", highlight=False, soft_wrap=True)
    return status


def _in_a_process(
    name: str, batch: int, threads: int, rounds: int, seed: int, compiled: bool, alone: bool
) -> dict[str, Any]:
    """A contest in a process of its own: numeric libraries read the number of threads when they are imported."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    # NumPy's idle threads would spin for as long as a step takes, on the cores of whoever is measured next.
    os.environ["OPENBLAS_THREAD_TIMEOUT"] = "20"
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_contest, name, batch, threads, rounds, seed, compiled, alone).result()


def _contest(*arguments: Any) -> dict[str, Any]:
    from benchmarks.training import contest

    return contest(*arguments)


def table(results: Sequence[dict[str, Any]]) -> Any:
    """One row per network, package and number of threads: milliseconds, the ratio to torch.nn's eager step, memory."""
    view = plain_table(
        "Training steps (forward, loss, backward)",
        "network", "layers", "threads", "batch", "ms", "ratio", "saved MB",
        left=2,
        caption=f"ratio: median of the rounds' ratios to torch.nn's eager step, ± half its interquartile range; "
        f"goal for gradlab.torch.nn ≤ {GOAL}. saved: what forward keeps for backward beside the parameters",
    )  # fmt: skip
    for result in results:
        samples = Samples(result["seconds"])
        for package in samples.seconds:
            time, ratio = samples.spread(package), samples.ratio(package, BASE)
            saved = result["saved_bytes"].get(package)
            view.add_row(
                result["network"],
                package,
                str(result["threads"]),
                str(result["batch"]),
                f"{time.median * 1e3:.1f}",
                "1" if package == BASE else f"{ratio.median:.3f} ±{ratio.iqr * ratio.median / 2:.3f}",
                f"{saved / 1e6:.1f}" if saved is not None else "–",
            )
        view.add_section()
    return view


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(
        prog="python -m benchmarks.layers",
        description="Time whole training steps with gradlab's layers against torch.nn's.",
        epilog="Interleaved at random, medians. Without --compile everything takes five to ten minutes.",
    )
    cli.add_argument("names", nargs="*", metavar="NETWORKS", help=f"of {', '.join(NETWORKS)} (default: all)")
    cli.add_argument("--quick", action="store_true", help="batches of 8, few rounds: a check, not a measurement")
    cli.add_argument(
        "--threads",
        type=lambda text: [count(part) for part in text.split(",")],
        default=[1, 2],
        metavar="N,N",
        help="numbers of threads to measure with (default: 1,2)",
    )
    cli.add_argument("--compile", action="store_true", help="measure torch.compile of both networks too")
    cli.add_argument("--growth", type=Path, metavar="PLOT", help="also time batches of 1 to 10,000 and plot them")
    cli.add_argument("--json", type=Path, default=RESULTS / "layers.json", metavar="PATH", help="where the JSON goes")
    cli.add_argument("--repeats", type=count, metavar="N", help="rounds (default: 15, with --quick 3)")
    cli.add_argument("--seed", type=int, default=0, metavar="S", help="seed of inputs and order (default: 0)")
    return cli


if __name__ == "__main__":
    sys.exit(main())
