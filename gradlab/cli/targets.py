"""What the command line says about a backward pass of the reader's own: where it is, its signature, its domains."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradlab import operation
from gradlab.errors import SignatureError
from gradlab.operation import Domain


@dataclass(frozen=True, slots=True)
class Target:
    """`path/to/file.py:name` or `package.module:name`; without a name, everything that the file has a spec for."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}:{self.name}" if self.name else self.module

    @property
    def is_file(self) -> bool:
        """True for a path, False for a dotted module."""
        return self.module.endswith(".py")


def parse_target(text: str) -> Target | None:
    """The target that a word of the command line means, or None for the name of an operation.

    >>> parse_target("course:softmax")
    Target(module='course', name='softmax')
    >>> parse_target("softmax") is None
    True
    """
    module, colon, name = text.rpartition(":")
    if not colon or os.sep in name:  # the colon of a Windows drive is none of ours
        module, name = text, ""
    if not colon and not module.endswith(".py") and os.sep not in module:
        return None
    if colon and not all(part.isidentifier() for part in name.split(".")):
        raise SignatureError(f"{text}: {name!r} is not a name; write path/to/file.py:name or package.module:name")
    target = Target(module, name)
    if not target.is_file:
        if os.sep in module or not all(part.isidentifier() for part in module.split(".")):
            raise SignatureError(f"{text}: {module!r} is neither a .py file nor a module; write path/to/file.py:name")
        return target
    if not Path(module).is_file():
        raise SignatureError(f"{module}: no such file")
    return target


# Options -------------------------------------------------------------------------------------------------------------


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that describe a target; each overrides its entry of `gradlab_spec`."""
    group = parser.add_argument_group("a backward pass of your own")
    group.add_argument("--signature", metavar="SHAPES", help="shapes as in NumPy's gufuncs: '(n,i),(o,i),(o)->(n,o)'")
    group.add_argument("--backward", metavar="NAME", help="its backward; by default NAME_backward or backward")
    group.add_argument("--cached", action="store_true", help="forward returns (output, cache), backward takes cache")
    group.add_argument("--reference", metavar="NAME", help="an independent forward in the same file")
    for option, form, help_text in (
        ("--domain", "ARG=DOMAIN", "legal values: real(-3,3), positive, non_negative, simplex, one_hot, labels(c), …"),
        ("--dim", "DIM=LOW:HIGH", "sizes of a dimension: n=1:8, n=1: or n=4"),
        ("--param", "NAME=V,V,…", "legal values of a keyword parameter, its default first"),
        ("--exclude", "LAW=REASON", "a law that does not apply, and why"),
    ):
        group.add_argument(option, metavar=form, action="append", default=[], help=help_text)
    group.add_argument("--batch", metavar="DIM", help="the dimension of the samples; permuting them permutes gradients")
    group.add_argument("--per-sample", action="store_true", help="samples along --batch are independent as well")
    group.add_argument(
        "--broadcast", action="store_true", help="the ... of different arguments may differ and broadcast"
    )
    group.add_argument("--wrt", metavar="ARG,ARG", help="the arguments that have a gradient")


def described(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the options say, in the words of `gradlab.check`; raises SignatureError with the option and the remedy."""
    spec: dict[str, Any] = {
        name: value for name in ("signature", "backward", "reference", "batch") if (value := getattr(arguments, name))
    }
    for name in ("cached", "broadcast", "per_sample"):
        if getattr(arguments, name):
            spec[name] = True
    if arguments.wrt:
        spec["wrt"] = tuple(name.strip() for name in arguments.wrt.split(","))
    readers: tuple[tuple[str, str, str, Callable[[str], Any]], ...] = (
        ("domain", "domains", "x=real(-3,3)", parse_domain),
        ("dim", "dims", "n=1:8", parse_range),
        ("param", "params", "eps=1e-5,1e-3", parse_values),
        ("exclude", "exclude", 'layout="documented: C order only"', _reason),
    )
    for option, key, example, read in readers:
        for text in getattr(arguments, option):
            name, equals, value = text.partition("=")
            if not equals or not name.strip().isidentifier() or not value.strip():
                raise SignatureError(f"--{option} {text}: cannot be read; write it like --{option} {example}")
            try:
                spec.setdefault(key, {})[name.strip()] = read(value.strip())
            except SignatureError as error:
                raise SignatureError(f"--{option} {text}: {error}") from None
    return spec


_NUMBER, _WHOLE = "a number", "a whole number"

# Name of a domain -> how many arguments it may have, and what each is.
_DOMAINS: dict[str, tuple[tuple[int, ...], str]] = {
    "real": ((0, 2), _NUMBER),
    "positive": ((0,), ""),
    "non_negative": ((0,), ""),
    "simplex": ((0, 1), "zeros"),
    "one_hot": ((0,), ""),
    "labels": ((1,), "a dimension"),
    "mask": ((0, 1), _NUMBER),
    "signs": ((0,), ""),
    "integers": ((2,), _WHOLE),
}


def parse_domain(text: str) -> Domain:
    """Read `real(-3,3)`, `positive`, `labels(c)`, `simplex(zeros)`; nothing is evaluated.

    >>> parse_domain("real(-3, 3)").minimum
    -3.0
    """
    match = re.fullmatch(r"(\w+)\s*(?:\(([^()]*)\))?", text)
    if match is None or match[1] not in _DOMAINS:
        known = ", ".join(_DOMAINS)
        raise SignatureError(f"{text!r} is not a domain; known: {known}")
    name, inner = match[1], (match[2] or "").strip()
    words = [word.strip() for word in inner.split(",")] if inner else []
    counts, kind = _DOMAINS[name]
    if len(words) not in counts:
        allowed = " or ".join(map(str, counts))
        raise SignatureError(f"{name} takes {allowed} argument{'' if counts == (1,) else 's'}, not {len(words)}")
    build: Callable[..., Domain] = getattr(operation, name)
    if kind == "zeros":
        if words not in ([], ["zeros"]):
            raise SignatureError(f"{words[0]!r}: write simplex or simplex(zeros)")
        return build(zeros=bool(words))
    if kind == "a dimension":
        return build(words[0].strip("'\""))
    return build(*(_number(word, whole=kind == _WHOLE) for word in words))


def parse_range(text: str) -> tuple[int, int | None]:
    """Read `1:8`, `1:` (no upper bound), `:8` or `4`.

    >>> parse_range("1:8"), parse_range("2:")
    ((1, 8), (2, None))
    """
    if not re.fullmatch(r"\d+|\d*:\d*", text):
        raise SignatureError(f"{text!r} is not a range; write LOW:HIGH, LOW: or one size")
    low, colon, high = text.partition(":")
    return int(low or 0), int(low) if not colon else int(high) if high else None


def parse_values(text: str) -> tuple[Any, ...]:
    """Read `1e-5,1e-3` or `true,false`: numbers and truth values.

    >>> parse_values("1,0.5,true")
    (1, 0.5, True)
    """
    truth = {"true": True, "false": False}
    words = [word.strip() for word in text.split(",")]
    return tuple(truth[word.lower()] if word.lower() in truth else _number(word, kept=True) for word in words)


def _number(word: str, *, whole: bool = False, kept: bool = False) -> Any:
    try:
        return int(word) if whole or (kept and re.fullmatch(r"[+-]?\d+", word)) else float(word)
    except ValueError:
        raise SignatureError(f"{word!r} is not {_WHOLE if whole else _NUMBER}") from None


def _reason(text: str) -> str:
    return text.strip("\"'")


def names_and_targets(words: Sequence[str]) -> tuple[list[str], list[Target]]:
    """The operations and the targets among the words of the command line."""
    parsed = [(word, parse_target(word)) for word in words]
    return [word for word, target in parsed if target is None], [target for _, target in parsed if target is not None]
