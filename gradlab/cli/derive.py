"""`gradlab derive`: derive and prove operations, then write their kernels or print a document."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlab.cli import documents, formulas
from gradlab.errors import DefinitionError

if TYPE_CHECKING:
    from gradlab.documents.model import Document
    from gradlab.symbolic.definition import Definition
    from gradlab.symbolic.derive import Derivation
    from gradlab.symbolic.prove import Proof

_FORMULA_SUFFIXES = {"pytest": "_test.py"}
_SUFFIXES = {
    **documents.SUFFIXES,
    "numpy": "_numpy.py",
    "torch": "_torch.py",
    "sympy": "_sympy.py",
    **_FORMULA_SUFFIXES,
}

# A process takes two seconds to start, which is what two derivations take.
_WORTH_A_PROCESS = 5

_EPILOG = """examples:
  gradlab derive                             derive and prove every operation, write its kernels
  gradlab derive --check                     compare only: a diff and exit status 1 if a kernel is stale
  gradlab derive softmax --to text           print the derivation with its proof
  gradlab derive softmax --to latex -o softmax.tex
  gradlab derive --all --to latex -o build/  one document for each operation, and build/book.tex of all of them
  gradlab derive --all --to html -o build/   one page for each operation, and build/index.html
  gradlab derive my_op.py --to numpy         a definition of your own: print the kernel
  gradlab derive layers.py:norm --to latex   one of several
  gradlab derive my_op.py -o kernels/        write kernels/numpy/my_op.py and kernels/torch/my_op.py
  gradlab derive "y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))"
  gradlab derive attention.txt --to pytest -o test_attention.py

A formula has a line for each value, the last of which is the output: entries x[n, d], numbers, + - * / **, functions
(exp, log, sqrt, tanh, max(u, 0), ...), sum[k](...), mean[k](...), delta(i, j), comparisons, lookups w[label[n], d].
A definition is a Python file with a gradlab.symbolic.definition.Definition at its top level; those of gradlab are in
derivations/ (15 to 40 lines each). A NumPy function below @gradlab.symbolic.traced("(n,d)->(n,d)") is one too.
Nothing is written or printed of an operation whose proof fails.
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "derive",
        help="derive and prove operations; write kernels or print a document",
        description="Derive Jacobian, VJP, JVP and HVP of operations from their definitions and prove every step. "
        "Without --to, write the NumPy and torch kernels (of all operations where none is named).",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "operations",
        metavar="OP|FILE[:NAME]|FORMULA",
        nargs="*",
        help="an operation, a .py file that defines some, or a formula",
    )
    parser.add_argument("--all", action="store_true", help="every operation (the default without --to)")
    parser.add_argument("--to", choices=sorted(_SUFFIXES), help="print this instead of writing kernels")
    parser.add_argument("-o", "--output", metavar="PATH", type=Path, help="write to this file or folder")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a kernel differs, with a diff")
    formulas.add(parser)
    parser.set_defaults(run=run, error=parser.error)


def run(arguments: argparse.Namespace) -> int:
    """Derive, prove, then print or write."""
    if arguments.all and arguments.operations:
        arguments.error("--all derives every operation: leave out the names")
    if arguments.check and (arguments.to or arguments.output):
        arguments.error("--check compares gradlab's own kernels: leave out --to and -o")
    if arguments.to and not arguments.operations and not arguments.all:
        arguments.error("--to needs the name of an operation, or --all")
    typed = [item for item in arguments.operations if formulas.is_formula(item)]
    if typed:
        return _formula(arguments, typed)
    chosen = _chosen(arguments.operations)
    if arguments.to in _FORMULA_SUFFIXES and not all(definition.formula for definition in chosen):
        arguments.error(f"--to {arguments.to} is for formulas; the tests of gradlab's operations are in tests/")
    return _documents(arguments, chosen) if arguments.to else _kernels(arguments, chosen)


def _formula(arguments: argparse.Namespace, typed: list[str]) -> int:
    """One formula, by default as text."""
    if len(arguments.operations) > 1:
        arguments.error("one formula at a time; several lines of one belong into one text, file or stdin")
    (item,) = typed
    target = arguments.to or "text"
    from gradlab.symbolic.formula.stable import proved

    with formulas.limit(arguments.timeout):
        derivation, proof = proved(formulas.definition(item, arguments))
        shown = _shown(derivation, proof, target)
    _put(shown, arguments.output)
    return 0


def _chosen(operations: list[str]) -> list[Definition]:
    from gradlab.symbolic.load import definition, definitions, from_file

    if not operations:
        return list(definitions().values())
    found: dict[str, Definition] = {}
    for item in operations:
        place = _file(item)
        found.update(from_file(*place) if place else {item: definition(item)})
    return list(found.values())


def _file(item: str) -> tuple[Path, str] | None:
    """The file that an operand means, and which of its definitions, "" for all; None for an operation's name."""
    path, colon, name = item.rpartition(":")
    if colon and path.endswith(".py"):
        return Path(path), name
    return (Path(item), "") if item.endswith(".py") or os.sep in item else None


def _proved(chosen: list[Definition]) -> Iterator[tuple[Derivation, Proof]]:
    """Derivations with their proofs, in order; those of many operations side by side, on every core."""
    from gradlab.symbolic.formula.stable import proved

    workers = min(_cores(), len(chosen) // _WORTH_A_PROCESS)
    # The function of a trace is at home in its file, which other processes have not loaded.
    if workers < 2 or any(definition.function for definition in chosen):
        yield from map(proved, chosen)
        return
    import signal
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    ignoring = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is this process's to answer
    with ProcessPoolExecutor(workers, get_context("spawn"), signal.signal, ignoring) as pool:
        try:
            yield from pool.map(proved, chosen)
        finally:  # an error or Ctrl-C: what has not begun is not begun
            pool.shutdown(cancel_futures=True)


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# Documents -----------------------------------------------------------------------------------------------------------


def _documents(arguments: argparse.Namespace, chosen: list[Definition]) -> int:
    folder = arguments.output if arguments.output and _is_folder(arguments.output, len(chosen)) else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    whole = bool(arguments.all and folder and arguments.to in documents.SUFFIXES)
    chapters: list[Document] = []
    for derivation, proof in _proved(chosen):
        path = folder / (derivation.program.name + _SUFFIXES[arguments.to]) if folder else arguments.output
        if whole:
            chapters.append(_chapter(derivation, proof))
            _put(documents.page(chapters[-1], arguments.to), path)
        else:
            _put(_shown(derivation, proof, arguments.to), path)
    if whole and folder:
        for name, shown in _book(chapters, arguments.to):
            _put(shown, folder / name)
    return 0


def _put(shown: str, path: Path | None) -> None:
    if path:
        path.write_text(shown, encoding="utf-8")
        print(path, flush=True)
    else:
        print(shown, end="", flush=True)


def _is_folder(path: Path, count: int) -> bool:
    return count > 1 or path.is_dir() or not path.suffix


def _shown(derivation: Derivation, proof: Proof, target: str) -> str:
    if target in documents.SUFFIXES:
        return documents.writer(target)(_chapter(derivation, proof))
    return _code(derivation, target)


def _chapter(derivation: Derivation, proof: Proof) -> Document:
    from gradlab import codegen
    from gradlab.documents import chapter

    source = codegen.numpy_source(derivation)
    # The functions; what stands above them is the record for machines.
    return chapter(derivation, proof, code=source[source.index("def forward(") :])


def _code(derivation: Derivation, target: str) -> str:
    from gradlab import codegen
    from gradlab.documents import sympy_code

    printers = {
        "sympy": sympy_code,
        "numpy": codegen.numpy_source,
        "torch": codegen.torch_source,
        "pytest": codegen.pytest_source,
    }
    return printers[target](derivation)


def _book(chapters: list[Document], target: str) -> Iterator[tuple[str, str]]:
    """All that stands around the chapters, the audit of the report among it."""
    from gradlab.documents.audit import audit
    from gradlab.documents.book import book
    from gradlab.symbolic.load import claims, folder

    verdicts = [claim.audit() for claim in claims(folder() / "report_audit.py")]
    return documents.book_files(book(chapters, [audit(verdicts, "Audit of the report")]), target)


# Kernels -------------------------------------------------------------------------------------------------------------


def _kernels(arguments: argparse.Namespace, chosen: list[Definition]) -> int:
    from gradlab.codegen import files

    own = [item for item in arguments.operations if _file(item)]
    if own and not arguments.output:
        raise DefinitionError(
            f"{own[0]}: say what to do with it: --to text, --to numpy, …, or -o FOLDER for its kernels"
        )
    if arguments.output:
        for backend in ("numpy", "torch"):
            (arguments.output / backend).mkdir(parents=True, exist_ok=True)
    act = files.compare if arguments.check else files.write
    stale = 0
    start = time.perf_counter()
    for derivation, proof in _proved(chosen):
        changes = act(derivation, arguments.output)
        stale += len(changes)
        now = time.perf_counter()
        print(
            f"{derivation.program.name}: {proof}; {_outcome(changes, arguments.check)} ({now - start:.2f} s)",
            flush=True,
        )
        start = now
        if arguments.check:
            for change in changes:
                print(change.diff, end="")
    orphans = [] if arguments.operations else files.orphans(definition.name for definition in chosen)
    for path in orphans:
        print(f"{path}: no definition gives this kernel; delete it, or restore its file in derivations/")
    if arguments.check and stale:
        print("kernels differ from what their definitions give; run: gradlab derive")
    return 1 if orphans or (arguments.check and stale) else 0


def _outcome(changes: Any, check: bool) -> str:
    if not changes:
        return "kernels up to date"
    names = ", ".join(change.path.parent.name for change in changes)
    return f"{names} {'differs' if check else 'written'}"
