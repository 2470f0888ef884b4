"""What the zoo is made of, as plain data: subjects, mutants, and the case on which a mutant shows itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from benchmarks.zoo.kinds import labels
from gradlab.operation import Domain

if TYPE_CHECKING:
    from gradlab.verify.diagnose.diagnosis import Kind

Array = NDArray[Any]
Function = Callable[..., Any]

Category = Literal[
    "formula",
    "reduction",
    "shape",
    "value",
    "parameter",
    "upstream",
    "contract",
    "layout",
    "state",
    "stability",
    "labels",
]

CATEGORIES: tuple[Category, ...] = (
    "formula",
    "reduction",
    "shape",
    "value",
    "parameter",
    "upstream",
    "contract",
    "layout",
    "state",
    "stability",
    "labels",
)

Half = Literal["tune", "held_out"]


def half(name: str) -> Half:
    """Which half of the zoo a mutant or a correct subject belongs to.

    The rule: the first byte of the SHA-256 of the name; even is "tune", odd is "held_out". The name alone decides, so
    nobody chooses what is held out, and an animal that is added later moves no other.

    >>> half("linear/bias_not_summed") in ("tune", "held_out")
    True
    """
    return "tune" if sha256(name.encode()).digest()[0] % 2 == 0 else "held_out"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A forward and its backward, with all that `gradlab.check` needs to know about them.

    `sizes` is one ordinary size for each dimension ("..." a shape), for rivals that generate no shapes themselves.
    """

    name: str
    forward: Function
    backward: Function
    signature: str
    names: tuple[str, ...] = ("x",)
    domains: Mapping[str, Domain] = field(default_factory=dict)
    wrt: tuple[str, ...] | None = None
    dims: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)
    where: Callable[[Mapping[str, int], Mapping[str, Any]], bool] | None = None
    params: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    broadcast: bool = False
    dtypes: tuple[str, ...] = ("float64", "float32")
    sizes: Mapping[str, Any] = field(default_factory=dict)
    story: str = ""

    def options(self) -> dict[str, Any]:
        """Keyword arguments for `gradlab.check(subject.forward, subject.backward, subject.signature, ...)`."""
        given = ("names", "domains", "wrt", "dims", "where", "params", "broadcast", "dtypes")
        return {name: getattr(self, name) for name in given}


@dataclass(frozen=True, kw_only=True)
class Witness:
    """A legal case on which a mutant differs from the correct backward.

    `fill` and `upstream` give a value, or a function of the ordinary random array. `least` is the smallest relative
    difference that counts. The scenarios: `once`, one call; `repeat`, the second of two equal calls; `interleave`, two
    forwards and then the backward of the first; `overwrite`, what a second call does to the first call's answer;
    `forward`, the forward itself.
    """

    dims: Mapping[str, Any] = field(default_factory=dict)
    fill: Mapping[str, Any] = field(default_factory=dict)
    upstream: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    dtype: str = "float64"
    layout: Literal["C", "F", "negative", "strided", "expanded"] = "C"
    layout_of: Literal["all", "inputs", "upstream"] = "all"
    scenario: Literal["once", "repeat", "interleave", "overwrite", "forward"] = "once"
    least: float = 1e-6


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A realistic wrong backward of a correct subject. `make` builds it fresh, for some of them keep state."""

    name: str
    subject: Subject
    category: Category
    story: str
    make: Callable[[], tuple[Function, Function]]
    witness: Witness

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of mistake that a correct diagnosis may name, from `kinds.toml`; KeyError if it has no label."""
        return labels()[self.name]

    def build(self) -> Subject:
        """The wrong subject, with state of its own."""
        forward, backward = self.make()
        return replace(self.subject, name=self.name, forward=forward, backward=backward, story=self.story)
