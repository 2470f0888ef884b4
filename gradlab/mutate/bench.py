"""What is needed to run a function: its subject, what it accepts, and how to build it from another text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from gradlab import registry
from gradlab.adapters.subject import Subject
from gradlab.mutate.variant import variant
from gradlab.verify.references import Reference
from gradlab.verify.registered import references_of, specification_of, subject_of
from gradlab.verify.specification import Specification


@dataclass(frozen=True)
class Bench:
    """`subject_in(module)` finds the subject in a module like `module`, made from other text."""

    module: ModuleType
    subject_in: Callable[[ModuleType], Subject]
    specification: Specification
    references: tuple[Reference, ...] = ()

    def subject(self, text: str | None = None, *, exact: bool = False) -> Subject:
        """The subject, of the module's own text or of a mutant's."""
        return self.subject_in(self.module if text is None else variant(self.module, text, exact=exact))


def registered(name: str) -> Bench:
    """The bench of an operation's NumPy kernel; raises UnknownOperationError.

    >>> registered("softmax").subject().name
    'softmax (numpy)'
    """
    operation = registry.operation(name)
    references, _ = references_of(operation)
    return Bench(
        registry.kernel(name),
        lambda module: subject_of(name, "numpy", module),
        specification_of(operation),
        tuple(references),
    )
