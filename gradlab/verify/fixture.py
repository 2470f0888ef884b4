"""What a test gets from the fixture `gradlab`: the module, with checks that are recorded. Imports nothing heavy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gradlab.verify.options import OPTIONS

if TYPE_CHECKING:
    import pytest


class Gradlab:
    """The module `gradlab`, whose `check` and `verify` take profile and seed from the command line or the marker.

    Whatever they find is a row of the summary at the end of the run; so is what `gradlab.torch.check` finds.
    """

    def __init__(self, request: pytest.FixtureRequest, module: str = "gradlab") -> None:
        self._node, self._request, self._module = request.node, request, module
        self._html = request.config.pluginmanager.get_plugin("gradlab-html")
        self._options = {name: request.config.getoption(f"gradlab_{name}") for name, _ in OPTIONS}
        for marker in reversed(list(self._node.iter_markers("gradlab"))):  # the nearest comes last and wins
            self._options.update(marker.kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self._module), name)
        return Gradlab(self._request, f"gradlab.{name}") if name in ("torch", "jax") else found

    def check(self, *args: Any, **options: Any) -> Any:
        """`gradlab.check`, recorded."""
        drawn = {"pictures": True} if self._html else {}
        report = import_module(self._module).check(*args, **{**self._options, **drawn, **options})
        if self._html:
            self._html.add(self._node, report)
        # Plain strings: they travel between the processes of pytest-xdist, and into pytest's own JUnit file.
        first = next(iter(report.failures), None)
        power = [value for dtypes in report.power.values() for dtype, value in dtypes.items() if dtype == "float64"]
        row = (
            report.subject,
            report.verdict if first is None else f"fail: {first.law}",
            ", ".join(report.arguments) if first is None else first.argument,
            f"{max(power):.0e}" if power else "",
            f"{report.seconds:.2f}",
        )
        self._node.user_properties.append(("gradlab", "\t".join(row)))
        return report

    def verify(self, *args: Any, **options: Any) -> Any:
        """`gradlab.verify`, recorded."""
        __tracebackhide__ = True  # the test's own line is what the reader wants to see
        report = self.check(*args, **options)
        if report.verdict != "pass":
            raise import_module("gradlab").GradientError(str(report))
        return report
