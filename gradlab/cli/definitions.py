"""Definitions of the reader's own, verified: `gradlab verify my_op.py` derives, proves, generates and checks them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gradlab.cli.targets import Target
from gradlab.errors import DefinitionError, MissingDependencyError, ProofError, SignatureError
from gradlab.verify.flat import FlatRow

if TYPE_CHECKING:
    from gradlab.symbolic.definition import Definition


def definitions(module: ModuleType, target: Target) -> dict[str, Definition]:
    """The definitions that a target names, by name; none where a module has a `gradlab_spec`, which says what to check.

    Raises SignatureError for a module that defines one name twice.
    """
    if hasattr(module, "gradlab_spec") or "gradlab.symbolic.definition" not in sys.modules:
        return {}  # SymPy takes half a second, and no definition is made without it
    from gradlab.symbolic.load import collected

    source = Path(target.module).name if target.is_file else target.module
    try:
        return collected(module, source, target.name)
    except DefinitionError as error:
        raise SignatureError(str(error)) from None


def definition_rows(definition: Definition, label: str, profile: Any, seed: int) -> list[FlatRow]:
    """The rows of a definition's kernels, NumPy and torch; nothing is written to disk.

    Raises SignatureError for a definition that cannot be derived, or whose proof fails.
    """
    from gradlab.codegen import numpy_source, torch_source
    from gradlab.symbolic.formula.stable import proved
    from gradlab.symbolic.oracle import SymbolicReference
    from gradlab.verify.references import NumpyReference, Reference
    from gradlab.verify.registered import BACKENDS, jvp_of, report_subject, subject_of, torch_reference
    from gradlab.verify.rows import rows_of

    try:
        derivation, _ = proved(definition)
        sources = {"numpy": numpy_source(derivation), "torch": torch_source(derivation)}
    except (DefinitionError, ProofError) as error:
        raise SignatureError(str(error)) from None
    kernels = {backend: _module(f"{definition.name}_{backend}", sources[backend]) for backend in BACKENDS}
    operation, independent = kernels["numpy"].OPERATION, list[Reference]()
    if definition.reference is not None:
        independent.append(torch_reference(operation, kernels["torch"].reference))
    if definition.function is not None:
        independent.append(NumpyReference(definition.function))
    rows: list[FlatRow] = []
    for backend in BACKENDS:
        report = report_subject(
            subject_of(definition.name, backend, kernels[backend]),
            operation,
            profile=profile,
            seed=seed,
            exact=SymbolicReference(derivation),
            jvp=jvp_of(backend, kernels[backend]),
            independent=independent,
        )
        rows += [FlatRow.of(row) for row in rows_of(report, label, backend)]
    return rows


def _module(name: str, source: str) -> ModuleType:
    module = ModuleType("__main__")  # no module of that name can be imported, and reproductions say so
    try:
        exec(compile(source, f"<{name}>", "exec"), vars(module))  # our own generated code
    except ModuleNotFoundError as error:
        raise MissingDependencyError("torch is not installed; run: pip install 'gradlab[torch]'") from error
    return module
