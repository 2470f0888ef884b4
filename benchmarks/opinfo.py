"""PyTorch's own sample inputs (OpInfo) as an outside source: the torch kernels against torch, forward and gradient.

    python -m benchmarks.opinfo [NAMES] [--json PATH]

Samples that an operation does not cover (options that are not derived) are counted as left out.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from benchmarks.runs import RESULTS
from benchmarks.tables import plain_table, wide_console, write_json
from gradlab import registry
from gradlab.errors import DtypeError, ShapeError
from gradlab.kernels.averages import Means, adaptive_means, pooled_means
from gradlab.kernels.door import by_axis, check_inputs, numbers, same
from gradlab.torch import nn
from gradlab.torch.function import differentiable

Call = tuple[str, tuple[Any, ...], dict[str, Any]]
"""An operation of gradlab, its tensors and its parameters."""
Thunk = Callable[[], torch.Tensor]
"""What gives the output of a layer."""

# Both sides compute in float64; what they may differ by beside rounding is nothing.
TOLERANCE = 1e-9


class LeftOutError(Exception):
    """A sample with an option that the operation does not have."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How samples of an OpInfo become calls: `to_call(*tensors and values, **keywords)`, or LeftOutError."""

    opinfo: str
    to_call: Callable[..., Call | Thunk]


@dataclass
class Tally:
    """What came of the samples of one entry."""

    name: str
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def plain(operation: str, *names: str) -> Callable[..., Call]:
    """Tensors as they are, further values under these names of parameters, keywords of the same names."""

    def to_call(*values: Any, **keywords: Any) -> Call:
        tensors = [value for value in values if isinstance(value, torch.Tensor)]
        others = [value for value in values if not isinstance(value, torch.Tensor)]
        if len(others) > len(names) or not set(keywords) <= set(names):
            raise LeftOutError(f"options {others} {sorted(keywords)}")
        return operation, tuple(tensors), dict(zip(names, others, strict=False)) | keywords

    return to_call


def along(operation: str) -> Callable[..., Call]:
    """An operation along an axis, `dim` in torch, or along several, by default all."""

    def to_call(x: torch.Tensor, dim: Any = None, *more: Any, keepdim: bool = False, **others: Any) -> Call:
        if others or len(more) > 1 or not isinstance(keepdim := more[0] if more else keepdim, bool):
            raise LeftOutError("dtype, or options")
        record = registry.operation(operation)
        axis = None if dim is None or dim == () else tuple(dim) if isinstance(dim, list | tuple) else dim
        if not x.ndim:  # one entry along one axis
            x, axis, keepdim = x[None], 0, False
        if not (record.along and record.along.several) and not isinstance(axis, int):
            if axis is None or len(axis) > 1:
                raise LeftOutError("several axes")
            (axis,) = axis
        return operation, (x,), {"axis": axis} | ({"keepdims": keepdim} if record.reduces else {})

    return to_call


def spread(operation: str) -> Callable[..., Call]:
    """A variance, whose `correction` is 1 where it is not given, or 0 where it is said to be biased."""
    simple = along(operation)

    def to_call(x: torch.Tensor, *dim: Any, unbiased: bool = True, correction: Any = None, **others: Any) -> Call:
        if dim and isinstance(dim[0], bool):
            unbiased, dim = dim[0], dim[1:]
        number = int(unbiased) if correction is None else correction
        if number < 0 or number != int(number) or len(dim) > 1:
            raise LeftOutError("another correction")
        name, tensors, parameters = simple(x, *dim, **others)
        return name, tensors, parameters | {"correction": int(number)}

    return to_call


def gelu(x: torch.Tensor, approximate: str = "none") -> Call:
    """Two operations, one for each form."""
    return ("gelu" if approximate == "none" else "gelu_tanh"), (x,), {}


def softplus(x: torch.Tensor, beta: float = 1.0, threshold: float = 20.0) -> Call:
    """Without a threshold; torch's usual one changes no more than the tenth digit."""
    if threshold != 20:
        raise LeftOutError("a threshold")
    return "softplus", (x,), {"beta": float(beta)}


def loss(kind: type[torch.nn.Module]) -> Callable[..., Thunk]:
    """A loss of gradlab.torch.nn with the sample's settings."""

    def to_call(x: torch.Tensor, target: torch.Tensor, **settings: Any) -> Thunk:
        if kind not in (nn.CrossEntropyLoss, nn.NLLLoss) and target.shape != x.shape:
            raise LeftOutError("a target that broadcasts")
        return lambda: kind(**settings)(x, target)

    return to_call


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> Call:
    """A batch of any shape is one batch."""
    if weight.ndim != 2:
        raise LeftOutError("a weight of one row")
    zeros = weight.new_zeros(len(weight))
    rows = x.reshape(x.shape[:-1].numel(), x.shape[-1])
    return "linear", (rows, weight, zeros if bias is None else bias), {}


def layer_norm(x: torch.Tensor, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Call:
    """Axes that are normalised over as one."""
    size = torch.Size(shape).numel()
    if eps <= 0 or not size:
        raise LeftOutError("eps below 0, or nothing to normalise over")
    ones, zeros = x.new_ones(size), x.new_zeros(size)
    rows = x.reshape(*x.shape[: x.ndim - len(shape)], size)
    given = (ones if weight is None else weight.reshape(size), zeros if bias is None else bias.reshape(size))
    return "layer_norm", (rows, *given), {"eps": eps}


def rms_norm(x: torch.Tensor, shape: Any, weight: Any = None, eps: float | None = None) -> Call:
    """Axes that are normalised over as one; `eps` is the spacing of the dtype by default."""
    size = torch.Size(shape).numel()
    if not size:
        raise LeftOutError("nothing to normalise over")
    rows = x.reshape(*x.shape[: x.ndim - len(shape)], size)
    scale = x.new_ones(size) if weight is None else weight.reshape(size)
    return "rms_norm", (rows, scale), {"eps": torch.finfo(x.dtype).eps if eps is None else eps}


def batch_norm(
    x: torch.Tensor,
    mean: Any,
    var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Call:
    """Batches of vectors and of images, in training and evaluation."""
    if x.ndim not in (2, 4) or eps <= 0 or not x.numel():
        raise LeftOutError("other ranks, eps below 0, or nothing to normalise")
    name = ("batch_norm" if x.ndim == 2 else "batch_norm_2d") + ("" if training else "_eval")
    channels = x.shape[1]
    scale = x.new_ones(channels) if weight is None else weight
    shift = x.new_zeros(channels) if bias is None else bias
    return name, (x, scale, shift, *(() if training else (mean, var))), {"eps": eps}


def group_norm(x: torch.Tensor, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Call:
    """Images of any rank in groups of channels."""
    if not x.numel():
        raise LeftOutError("nothing to normalise")
    channels = x.shape[1]
    x = x.reshape(len(x), channels, -1, 1)
    scale = x.new_ones(channels) if weight is None else weight
    shift = x.new_zeros(channels) if bias is None else bias
    return "group_norm", (x, scale, shift), {"num_groups": num_groups, "eps": eps}


def convolution(operation: str, rank: int) -> Callable[..., Call]:
    """Windows of any setting but those with more zeros at one end; an input without a batch is a batch of one."""

    def to_call(x: torch.Tensor, weight: torch.Tensor, bias: Any = None, *others: Any, **keywords: Any) -> Call:
        defaults = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        settings = defaults | dict(zip(defaults, others, strict=False)) | keywords
        groups, padding = settings.pop("groups"), settings.pop("padding")
        steps = {name: numbers(name, value, rank - 2) for name, value in settings.items()}
        before, behind = same(padding, weight.shape[2:], steps["stride"], steps["dilation"])
        if before != behind:
            raise LeftOutError("more zeros behind an axis than before it")
        x = x[None] if x.ndim == rank - 1 else x
        tensors = (x, weight, weight.new_zeros(len(weight)) if bias is None else bias)
        return operation, tensors, by_axis({"padding": before, **steps}, rank - 2) | {"groups": groups}

    return to_call


def avg_pool(x: torch.Tensor, *values: Any, **keywords: Any) -> Call:
    """Windows with all their options."""
    names = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
    given = {"stride": None, "padding": 0} | dict(zip(names, values, strict=False)) | keywords
    kernel, stride, padding = given.pop("kernel_size"), given.pop("stride"), given.pop("padding")
    size, step, zeros = (numbers("windows", value, 2) for value in (kernel, stride or kernel, padding))
    x = x[None] if x.ndim == 3 else x
    return _means(x, pooled_means(x.shape[2:], size, step, zeros, **given))


def adaptive_avg_pool(x: torch.Tensor, output_size: Any) -> Call:
    """As many windows as are asked for."""
    x = x[None] if x.ndim == 3 else x
    return _means(x, adaptive_means(x.shape[2:], output_size))


def _means(x: torch.Tensor, means: Means) -> Call:
    weights = (x.detach().new_tensor(rows) for rows in means.weights)
    return means.operation, (x, *weights), dict(means.parameters)


def max_pool(x: torch.Tensor, **options: Any) -> Call:
    """Windows; the places of the maxima, which have no gradient, are left out."""
    if options.pop("return_indices", False):
        raise LeftOutError("return_indices")
    ceil_mode = options.pop("ceil_mode", False)
    x = x[None] if x.ndim == 3 else x
    size = options.pop("kernel_size")
    defaults = {"kernel": size, "stride": size, "padding": 0, "dilation": 1}
    given = {name: value for name, value in options.items() if value is not None}
    return "max_pool2d", (x,), by_axis(defaults | given, 2) | {"ceil_mode": int(ceil_mode)}


def multi_margin(x: torch.Tensor, target: torch.Tensor, reduction: str = "mean", **options: Any) -> Call:
    """The mean of plain hinges."""
    if reduction != "mean" or options.pop("p", 1) != 1 or options.pop("weight", None) is not None or x.ndim != 2:
        raise LeftOutError("options")
    return "multi_margin", (x, target), options


ENTRIES = (
    Entry("nn.functional.relu", plain("relu", "inplace")),
    Entry("nn.functional.leaky_relu", plain("leaky_relu", "negative_slope")),
    Entry("nn.functional.elu", plain("elu", "alpha")),
    Entry("nn.functional.selu", plain("selu")),
    Entry("nn.functional.silu", plain("silu")),
    Entry("nn.functional.gelu", gelu),
    Entry("nn.functional.hardtanh", plain("hardtanh", "min_val", "max_val")),
    Entry("nn.functional.softplus", softplus),
    Entry("sigmoid", plain("sigmoid")),
    Entry("tanh", plain("tanh")),
    Entry("exp", plain("exp")),
    Entry("log", plain("log")),
    Entry("sqrt", plain("sqrt")),
    Entry("abs", plain("abs")),
    Entry("add", plain("add")),
    Entry("sub", plain("sub")),
    Entry("mul", plain("mul")),
    Entry("maximum", plain("maximum")),
    Entry("minimum", plain("minimum")),
    Entry("matmul", plain("matmul")),
    Entry("softmax", along("softmax")),
    Entry("log_softmax", along("log_softmax")),
    Entry("logsumexp", along("logsumexp")),
    Entry("mean", along("mean")),
    Entry("sum", along("sum")),
    Entry("cumsum", along("cumsum")),
    Entry("amax", along("max")),
    Entry("amin", along("min")),
    Entry("prod", along("prod")),
    Entry("var", spread("var")),
    Entry("std", spread("std")),
    Entry("nn.functional.linear", linear),
    Entry("nn.functional.layer_norm", layer_norm),
    Entry("nn.functional.rms_norm", rms_norm),
    Entry("nn.functional.batch_norm", batch_norm),
    Entry("nn.functional.group_norm", group_norm),
    Entry("nn.functional.conv1d", convolution("conv1d", 3)),
    Entry("nn.functional.conv2d", convolution("conv2d", 4)),
    Entry("nn.functional.avg_pool2d", avg_pool),
    Entry("nn.functional.adaptive_avg_pool2d", adaptive_avg_pool),
    Entry("nn.functional.max_pool2d", max_pool),
    Entry("nn.functional.mse_loss", loss(nn.MSELoss)),
    Entry("nn.functional.l1_loss", loss(nn.L1Loss)),
    Entry("nn.functional.smooth_l1_loss", loss(nn.SmoothL1Loss)),
    Entry("nn.functional.huber_loss", loss(nn.HuberLoss)),
    Entry("nn.functional.binary_cross_entropy_with_logits", loss(nn.BCEWithLogitsLoss)),
    Entry("nn.functional.cross_entropy", loss(nn.CrossEntropyLoss)),
    Entry("nn.functional.nll_loss", loss(nn.NLLLoss)),
    Entry("nn.functional.multi_margin_loss", multi_margin),
)


def tally(entry: Entry) -> Tally:
    """Run the samples of one OpInfo in float64: outputs, and gradients for a random upstream, must be torch's."""
    from torch.testing._internal.common_methods_invocations import op_db

    found = Tally(entry.opinfo)
    operations: list[Any] = list(op_db)
    for op in (op for op in operations if op.name == entry.opinfo and not op.variant_test_name):
        for sample in op.sample_inputs("cpu", torch.float64, requires_grad=True):
            found.counts["samples"] += 1
            try:
                output = _output(entry.to_call(sample.input, *sample.args, **sample.kwargs))
            except (LeftOutError, ShapeError, DtypeError, TypeError):
                found.counts["left out"] += 1
                continue
            _compare(found, op, sample, output)
    return found


def _output(call: Call | Thunk) -> torch.Tensor:
    """The output, after the check at the door."""
    if not isinstance(call, tuple):
        return call()
    name, tensors, parameters = call
    operation = registry.operation(name)
    names = [argument.name for argument in operation.arguments]
    check_inputs(operation, tensors, names, None, parameters)
    return differentiable(name)(*tensors, **parameters)


def _compare(found: Tally, op: Any, sample: Any, output: torch.Tensor) -> None:
    expected = op(sample.input, *sample.args, **sample.kwargs)
    output = output.reshape(expected.shape)
    kinds = {"forward": _equal(output, expected)}
    values: tuple[Any, ...] = (sample.input, *sample.args, *sample.kwargs.values())
    leaves = [value for value in values if isinstance(value, torch.Tensor) and value.requires_grad]
    if expected.requires_grad and leaves:
        upstream = torch.randn(expected.shape, dtype=expected.dtype, generator=torch.Generator().manual_seed(0))
        wanted = torch.autograd.grad(expected, leaves, upstream, allow_unused=True)
        mine = torch.autograd.grad(output, leaves, upstream, allow_unused=True)
        pairs: Any = zip(mine, wanted, strict=True)
        # A tensor that an output does not depend on has a gradient of zeros, or none.
        kinds["gradient"] = all(_equal(*_as_zeros(a, b)) for a, b in pairs if a is not None or b is not None)
    for kind, good in kinds.items():
        found.counts[kind if good else f"{kind} differs"] += 1
        if not good:
            found.failures.append(f"{found.name}: {kind} of {sample}")


def _as_zeros(a: torch.Tensor | None, b: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    known = b if a is None else a
    assert known is not None
    return torch.zeros_like(known) if a is None else a, torch.zeros_like(known) if b is None else b


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; 0 where everything agrees, 1 where something differs, 2 on an unknown name."""
    cli = argparse.ArgumentParser(prog="python -m benchmarks.opinfo", description="Run PyTorch's sample inputs.")
    cli.add_argument("names", nargs="*", metavar="NAMES", help="of torch's operations, as conv2d (default: all)")
    cli.add_argument("--json", type=Path, default=RESULTS / "opinfo.json", metavar="PATH", help="where the JSON goes")
    options = cli.parse_args(arguments)
    short = {entry.opinfo.removeprefix("nn.functional."): entry for entry in ENTRIES}
    unknown = [name for name in options.names if name not in short]
    if unknown:
        Console(stderr=True).print(f"error: unknown {unknown[0]!r}; choose from {', '.join(short)}", highlight=False)
        return 2
    tallies = [tally(short[name]) for name in options.names or short]
    columns = ("samples", "left out", "forward", "gradient", "forward differs", "gradient differs")
    view = plain_table("PyTorch's sample inputs through the derived torch kernels", "operation", *columns)
    total: Counter[str] = Counter()
    for found in tallies:
        view.add_row(found.name, *(str(found.counts[column]) for column in columns))
        total += found.counts
    view.add_section()
    view.add_row("all", *(str(total[column]) for column in columns))
    output = wide_console()
    output.print(view)
    failures = [failure for found in tallies for failure in found.failures]
    for failure in failures:
        output.print(failure[:300], markup=False, highlight=False)
    write_json(options.json, {"counts": {found.name: dict(found.counts) for found in tallies}, "failures": failures})
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
