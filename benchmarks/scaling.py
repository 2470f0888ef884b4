"""One case of a chosen size, timed; and the line through such times."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.runs import Record
from benchmarks.timing import clock

ROW = 10
"""Features of a row; the number of rows grows."""

Sizes = tuple[Mapping[str, int], tuple[int, ...]]

GROWING: dict[str, tuple[str, Callable[[int], Sizes]]] = {
    "relu": ("relu (numpy)", lambda n: ({}, (n,))),
    "softmax": ("softmax (numpy)", lambda n: ({"d": ROW}, (n // ROW,))),
    "softmax, one row": ("softmax (numpy)", lambda n: ({"d": n}, ())),
    "cross entropy": ("softmax_cross_entropy_labels (numpy)", lambda n: ({"n": n // ROW, "d": ROW}, ())),
    "linear": ("linear (numpy)", lambda n: ({"n": n // ROW, "i": ROW, "o": ROW}, ())),
    "batch norm": ("batch_norm (numpy)", lambda n: ({"n": n // ROW, "c": ROW}, ())),
    "layer norm": ("layer_norm", lambda n: ({"d": ROW}, (n // ROW,))),
}
"""Operations by title: the subject, and the sizes at which its first argument has n elements."""

# Below this the cost of a call outweighs that of its elements.
TAIL = 100.0


@dataclass(frozen=True)
class Growth:
    """Seconds of one case of an operation against the number of elements, sizes in order.

    >>> line = Growth("matmul", [10, 1_000, 10_000, 100_000], [1.0, 1.0, 10.0, 100.0])
    >>> round(line.slope, 6)
    1.0
    """

    name: str
    elements: Sequence[int]
    seconds: Sequence[float]

    @property
    def slope(self) -> float | None:
        """Of the logarithms over the last two decades, by least squares; None for fewer than three sizes."""
        pairs = [(n, t) for n, t in zip(self.elements, self.seconds, strict=True) if n >= max(self.elements) / TAIL]
        if len(pairs) < 3:
            return None
        elements, seconds = np.log(np.array(pairs)).T
        return float(np.polynomial.Polynomial.fit(elements, seconds, 1).convert().coef[1])


def time_case(name: str, elements: int, repeats: int) -> Record:
    """Processor seconds of one whole case, all laws included, and of a bare forward and backward; for a worker.

    Values are ordinary, and neither reference nor JVP joins: this is what a user's own function meets.
    """
    from benchmarks.correct import described
    from gradlab.verify.calls import Caller, quiet
    from gradlab.verify.case import build
    from gradlab.verify.examination import judged
    from gradlab.verify.extras import Extras
    from gradlab.verify.plan import plain_plan
    from gradlab.verify.shapes import concrete
    from gradlab.verify.trial import Trial

    title, sizes_of = GROWING[name]
    known = described(title)
    assert known is not None, title
    subject, specification, _ = known
    specification = replace(specification, extras=Extras())
    sizes, leading = sizes_of(elements)
    params = {parameter: values[0] for parameter, values in specification.params.items()}
    whole, bare = [], []
    for seed in range(repeats):
        shapes = tuple(concrete(dims, sizes, leading) for dims in specification.signature.inputs)
        plan = plain_plan(specification, sizes, shapes, params, "float64", seed)
        case = build(plan, specification)
        with quiet():
            start = clock()
            trial = Trial(case, specification, Caller(subject))
            violations = list(judged(trial))
            whole.append(clock() - start)
            failures = [v.claim for v in violations if v.severity == "failure"]
            assert not failures, f"{title} with {elements} elements: {failures[0]}"
            start = clock()
            _, saved = subject.forward(case.inputs, params)
            subject.backward(trial.grad_output, case.inputs, saved, params)
            bare.append(clock() - start)
    return {"cpu": statistics.median(whole), "bare": statistics.median(bare)}


def growths(found: Sequence[Record]) -> list[Growth]:
    """One line for each operation that was timed."""
    lines = []
    for name in GROWING:
        chosen = [record for record in found if record["case of"] == name and "cpu" in record]
        chosen.sort(key=lambda record: record["elements"])
        if chosen:
            lines.append(Growth(name, [r["elements"] for r in chosen], [r["cpu"] for r in chosen]))
    return lines


def plot(lines: Sequence[Growth], path: Path) -> None:
    """Time against elements on logarithmic axes, with a straight line for linear growth."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for line in lines:
        label = line.name if line.slope is None else f"{line.name}, slope {line.slope:.2f}"
        axes.loglog(line.elements, line.seconds, marker="o", markersize=3, label=label)
    if lines:
        most = max(max(line.elements) for line in lines)
        top = max(max(line.seconds) for line in lines)
        axes.loglog([most / 1e3, most], [top / 1e3, top], color="0.6", linestyle="--", label="linear growth")
    axes.set(xlabel="elements of the first argument", ylabel="processor seconds of one case")
    axes.set_title("Cost of one generated case, all laws, float64")
    axes.grid(visible=True, which="major", color="0.9")
    axes.legend(frameon=False, fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
