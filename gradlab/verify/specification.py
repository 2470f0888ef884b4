"""What is checked, validated: every bad argument of `check` is refused here, with its value and the remedy."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradlab.errors import SignatureError
from gradlab.operation import ELLIPSIS, Along, Argument, Domain, Extent, Kink, Signature, real
from gradlab.verify.extras import LOW_DTYPES, Extras, extras

Range = tuple[int, int | None]
Relation = Callable[[Mapping[str, int], Mapping[str, Any]], bool]

DTYPES = ("float64", "float32")

UPSTREAM = "grad_output"


@dataclass(frozen=True, slots=True)
class Specification:
    """Everything about the subject that cases and laws depend on.

    `params` gives each keyword parameter its legal values, the default first. `strict` turns "forward refuses a legal
    case" from a note into a failure: registered operations promise to accept them all. With `broadcast` the `...` of
    arguments may differ as far as they broadcast; the arguments in `whole` have that of the output. With `along` the
    parameter `axis` is drawn for each case, see `gradlab.verify.along`. `extents` are the dimensions of the output that
    follow from those of the inputs and from parameters.
    """

    signature: Signature
    arguments: tuple[Argument, ...]
    ranges: Mapping[str, Range] = field(default_factory=dict)
    where: Relation | None = None
    params: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    dtypes: tuple[str, ...] = DTYPES
    exclude: Mapping[str, str] = field(default_factory=dict)
    kinks: tuple[Kink, ...] = ()
    strict: bool = False
    extras: Extras = field(default_factory=Extras)
    broadcast: bool = False
    whole: frozenset[int] = frozenset()
    along: Along | None = None
    extents: tuple[Extent, ...] = ()

    @property
    def differentiable(self) -> tuple[int, ...]:
        """Positions of the arguments that backward owes a gradient."""
        return tuple(k for k, argument in enumerate(self.arguments) if argument.differentiable)

    @property
    def has_ellipsis(self) -> bool:
        """True where some input has any number of leading dimensions."""
        return any(ELLIPSIS in shape for shape in self.signature.inputs)

    @property
    def dims(self) -> tuple[str, ...]:
        """The named dimensions that can be chosen."""
        computed = {extent.dim for extent in self.extents}
        return tuple(dim for dim in self.signature.dims if dim != ELLIPSIS and dim not in computed)

    def completed(self, sizes: Mapping[str, int], params: Mapping[str, Any]) -> dict[str, int]:
        """The chosen sizes and those that follow from them."""
        if not self.extents:
            return dict(sizes)
        known = {**sizes, **{name: value for name, value in params.items() if isinstance(value, int)}}
        return {**sizes, **{extent.dim: extent.value(known) for extent in self.extents}}

    def allows(self, sizes: Mapping[str, int], params: Mapping[str, Any]) -> bool:
        """Whether these meet `where`; raises SignatureError with both where it raises anything."""
        if self.where is None:
            return True
        try:
            return bool(self.where(dict(sizes), dict(params)))
        except Exception as error:
            raise SignatureError(
                f"where({dict(sizes)}, {dict(params)}) raises {type(error).__name__}: {error}; it takes two "
                "dictionaries, sizes and parameters, and returns True or False"
            ) from error

    def range_of(self, dim: str) -> Range:
        """The legal sizes of a dimension; by default from 0 upward, from 1 where a domain needs an entry in it."""
        return self.ranges.get(dim, (1 if dim in self._needed() else 0, None))

    def _needed(self) -> set[str]:
        # A probability row or a label needs at least one class to exist.
        needed: set[str] = set()
        for argument, shape in zip(self.arguments, self.signature.inputs, strict=True):
            if argument.domain.kind in ("simplex", "one_hot") and shape:
                needed.add(shape[-1])
            if argument.domain.below is not None:
                needed.add(argument.domain.below)
        return needed


_EXAMPLES = {"domains": "{'x': gradlab.real(-3, 3)}", "dims": "{'n': (1, 8)}", "params": "{'eps': (1e-5, 1e-3)}"}


def specify(
    signature: str | Signature,
    *,
    forward: Callable[..., Any] | None = None,
    names: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    domains: Mapping[str, Domain] | None = None,
    dims: Mapping[str, Range] | None = None,
    where: Relation | None = None,
    params: Mapping[str, Sequence[Any]] | None = None,
    broadcast: bool = False,
    dtypes: Sequence[str] = DTYPES,
    exclude: Mapping[str, str] | None = None,
    laws: Iterable[str] = (),
    low: Sequence[str] = LOW_DTYPES,
    **declared: Any,
) -> Specification:
    """Validate the arguments of `check`; raises SignatureError that shows the value, then the remedy.

    `low` names the low-precision dtypes that the caller can run; `declared` are the fields of `Extras`.
    """
    if not isinstance(signature, str | Signature):
        raise SignatureError(f"signature={signature!r} is not a text; write shapes like '(n,i),(o,i)->(n,o)'")
    for option, given in (("domains", domains), ("dims", dims), ("params", params)):
        if given is not None and not isinstance(given, Mapping):
            raise SignatureError(f"{option}={given!r} is not a dictionary; write {_EXAMPLES[option]}")
    if where is not None and not callable(where):
        raise SignatureError(f"where={where!r} cannot be called; pass lambda sizes, params: sizes['n'] >= params['k']")
    parsed = Signature.parse(signature) if isinstance(signature, str) else signature
    names = _names(parsed, names, forward)
    arguments = _arguments(parsed, names, wrt, domains or {})
    wide, narrow = _dtypes(dtypes, tuple(low))
    specification = Specification(
        parsed,
        arguments,
        _ranges(parsed, dims or {}),
        where,
        _params(params or {}, names),
        wide,
        _exclude(exclude or {}, tuple(laws)),
        extras=extras(parsed, low=narrow, **declared),
        broadcast=broadcast,
    )
    if broadcast not in (False, True) or (broadcast and not specification.has_ellipsis):
        raise SignatureError(
            f"broadcast={broadcast!r} for '{parsed}': only what `...` stands for is broadcast; write True and a "
            "signature as '(...),(...)->(...)'"
        )
    for dim in parsed.dims:
        lowest, high = specification.range_of(dim)
        if high is not None and lowest > high:
            raise SignatureError(f"dims={dim!r}: ({lowest}, {high}) allows no size; the lower bound comes first")
    return specification


def _names(signature: Signature, names: Sequence[str] | None, forward: Callable[..., Any] | None) -> tuple[str, ...]:
    count = len(signature.inputs)
    if names is None:
        return _parameter_names(forward, count) or tuple(f"x{k}" for k in range(count))
    if not _texts(names) or len(names) != count:
        raise SignatureError(
            f"names={names!r} does not fit the signature '{signature}' of {count} "
            f"argument{'s' * (count != 1)}; give a tuple with one name per argument"
        )
    if len(set(names)) != count:
        raise SignatureError(f"names={names!r} repeats a name; every argument needs its own")
    if UPSTREAM in names:
        raise SignatureError(
            f"names={names!r}: {UPSTREAM!r} is what reports call the upstream gradient; choose another"
        )
    return tuple(names)


def _texts(names: object) -> bool:
    return isinstance(names, Sequence) and not isinstance(names, str) and all(isinstance(name, str) for name in names)


def _parameter_names(forward: Callable[..., Any] | None, count: int) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(forward).parameters.values() if forward is not None else ()
    except (TypeError, ValueError):
        return ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = tuple(parameter.name for parameter in parameters if parameter.kind in kinds)
    return names[:count] if len(names) >= count and UPSTREAM not in names[:count] else ()


def suggestion(value: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or the list of what is known."""
    known = tuple(known)
    close = difflib.get_close_matches(value, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known) or 'none'}"


def _known(option: str, given: Iterable[str], names: Sequence[str], what: str) -> None:
    for name in given:
        if name not in names:
            raise SignatureError(f"{option}: {name!r} is not {what}; {suggestion(str(name), names)}")


def _arguments(
    signature: Signature, names: tuple[str, ...], wrt: Sequence[str] | None, domains: Mapping[str, Domain]
) -> tuple[Argument, ...]:
    _known("domains", domains, names, "an argument")
    for name, domain in domains.items():
        if not isinstance(domain, Domain):
            raise SignatureError(
                f"domains[{name!r}]={domain!r} is not a domain; call one of gradlab.real, positive, non_negative, "
                "simplex, one_hot, labels, mask, signs, integers"
            )
        if domain.below is not None and domain.below not in signature.dims:
            raise SignatureError(
                f"domains[{name!r}]: labels({domain.below!r}) names no dimension of '{signature}'; "
                f"{suggestion(domain.below, signature.dims)}"
            )
    if isinstance(wrt, str):
        raise SignatureError(f"wrt={wrt!r} is a string; write a tuple: wrt=({wrt!r},)")
    if wrt is not None and not _texts(wrt):
        raise SignatureError(f"wrt={wrt!r} is not a tuple of names; write wrt=({names[0]!r},)")
    if wrt is not None:
        _known("wrt", wrt, names, "an argument")
    arguments = []
    for name, shape in zip(names, signature.inputs, strict=True):
        domain = domains.get(name, real())
        chosen = domain.continuous if wrt is None else name in wrt
        if chosen and not domain.continuous:
            raise SignatureError(f"wrt: {name!r} takes {domain.kind} and has no gradient; leave it out of wrt")
        if domain.kind in ("simplex", "one_hot") and not shape:
            raise SignatureError(f"domains[{name!r}]: {domain.kind} needs a last axis; '{signature}' gives it none")
        arguments.append(Argument(name, domain, chosen))
    if not any(argument.differentiable for argument in arguments):
        raise SignatureError(
            f"no differentiable argument among {names!r}: nothing to verify; name one in wrt or give it a real domain"
        )
    return tuple(arguments)


def _ranges(signature: Signature, dims: Mapping[str, Any]) -> dict[str, Range]:
    _known("dims", dims, signature.dims, f"a dimension of '{signature}'")
    ranges: dict[str, Range] = {}
    for dim, bounds in dims.items():
        if isinstance(bounds, int):
            bounds = (bounds, bounds)
        if not isinstance(bounds, tuple | list) or len(bounds) != 2 or not _whole(*bounds):
            raise SignatureError(f"dims[{dim!r}]={bounds!r} is not a range; write (lowest, highest) or (lowest, None)")
        low, high = bounds
        if low < 0 or (high is not None and high < low):
            raise SignatureError(f"dims[{dim!r}]={bounds!r} allows no size; write (lowest, highest) with 0 <= lowest")
        ranges[dim] = (low, high)
    return ranges


def _whole(low: object, high: object) -> bool:
    return isinstance(low, int | np.integer) and (high is None or isinstance(high, int | np.integer))


def _params(params: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, tuple[Any, ...]]:
    legal: dict[str, tuple[Any, ...]] = {}
    for name, values in params.items():
        if name in names:
            raise SignatureError(f"params: {name!r} is an argument of the signature; a parameter needs its own name")
        if isinstance(values, Domain):
            values = _within(name, values)
        if not isinstance(values, tuple | list) or not values:
            raise SignatureError(f"params[{name!r}]={values!r} is not a tuple of legal values, default first")
        for value in values:
            if isinstance(value, float) and math.isnan(value):
                raise SignatureError(f"params[{name!r}] holds nan, from which no gradient can come; leave it out")
        legal[name] = tuple(values)
    return legal


def _within(name: str, domain: Domain) -> tuple[Any, ...]:
    """Values of a range: its middle, its ends and the middles between; geometric ones where it is positive."""
    low, high = domain.minimum, domain.maximum
    if domain.kind not in ("real", "integers") or not (math.isfinite(low) and math.isfinite(high)):
        raise SignatureError(f"params[{name!r}]={domain!r} has no two ends; write gradlab.real(1e-6, 1e-2) or a tuple")
    parts = (0.5, 0.0, 1.0, 0.25, 0.75)
    if domain.kind == "integers":
        return tuple(dict.fromkeys(round(low + part * (high - low)) for part in parts))
    if low > 0:
        return tuple(dict.fromkeys(min(high, max(low, low * (high / low) ** part)) for part in parts))
    return tuple(dict.fromkeys(low + part * (high - low) for part in parts))


def _dtypes(dtypes: object, low: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The dtypes that verify the formula, and those of low precision that are judged beside them."""
    if isinstance(dtypes, str):
        dtypes = (dtypes,)
    if not isinstance(dtypes, Sequence):
        raise SignatureError(f"dtypes={dtypes!r} is not a tuple; write dtypes={DTYPES}")
    chosen = tuple(map(_dtype_name, dtypes))
    if "bfloat16" in chosen and "bfloat16" not in low:
        raise SignatureError("dtypes: NumPy has no 'bfloat16'; check a torch function with gradlab.torch.check")
    _known("dtypes", chosen, (*DTYPES, *low), "a supported dtype")
    wide, narrow = (tuple(name for name in chosen if name in group) for group in (DTYPES, low))
    if not chosen:
        raise SignatureError(f"dtypes={dtypes!r} is empty; name at least one of {DTYPES}")
    if not wide:
        raise SignatureError(f"dtypes={dtypes!r}: so few digits verify no formula; name 'float64' or 'float32' as well")
    return wide, narrow


def _dtype_name(dtype: Any) -> str:
    try:
        return str(np.dtype(dtype).name)
    except TypeError:
        return str(dtype)


def _exclude(exclude: object, laws: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(exclude, Mapping):
        raise SignatureError(f"exclude={exclude!r} is not a dictionary; write {{'law': 'the reason'}}")
    _known("exclude", exclude, laws, "a law")
    for law, reason in exclude.items():
        if not isinstance(reason, str) or not reason:
            raise SignatureError(f"exclude[{law!r}]={reason!r} is not a reason; write why the law does not apply")
    return dict(exclude)
