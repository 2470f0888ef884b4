"""Layer objects: `forward(x)`, `backward(grad_output)`, parameters and gradients in dictionaries or attributes."""

from __future__ import annotations

import operator
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradlab.adapters.subject import Array, Inputs, Parameters, Subject, arrays_within, import_line
from gradlab.errors import SignatureError

# How courses call the gradient of `weight`, where the user does not say.
_PATTERNS = ("{}", "grad_{}", "d{}", "{}_grad")

_RECENT = 8  # calls remembered; a law repeats a call within a few others


def from_layer(
    factory: Callable[[], Any],
    *,
    parameters: Sequence[str] | None = None,
    gradients: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Subject:
    """A layer class as a subject; its parameters become further inputs, after those of `forward`.

    `factory()` builds a layer with `forward(*inputs, **params)` and `backward(grad_output)`. Its parameters are the
    entries of `layer.params`, or the attributes that `parameters` names; they are replaced before forward. Their
    gradients are read after backward from `layer.grads`, else from attributes: `grad_weight`, `dweight`, `weight_grad`,
    or what `gradients={"weight": "delta_w"}` says. Every call gets a layer of its own, and a repeated call one that has
    done a step before: gradients that pile up or stay are found by the law "repeatability". A layer with a method
    `zero_grad` is expected to add up; it is called before each step.

    The result unpacks into `check` and `verify`. Raises SignatureError for an object that is no such layer.

    >>> import gradlab
    >>> class Scale:
    ...     def __init__(self):
    ...         self.params, self.grads = {"factor": 1.0}, {}
    ...     def forward(self, x):
    ...         self.x = x
    ...         return self.params["factor"] * x
    ...     def backward(self, grad_output):
    ...         self.grads["factor"] = (grad_output * self.x).sum(axis=0)
    ...         return grad_output * self.params["factor"]
    >>> layer = gradlab.from_layer(Scale)
    >>> gradlab.check(*layer, "(n,d),(d)->(n,d)", names=("x", "factor"), profile="quick", seed=1).verdict
    'pass'
    """
    if not callable(factory):
        raise SignatureError(f"factory={factory!r} cannot be called; pass the class, or lambda: Layer(3, 2)")
    door = _Door(factory, *_places(factory, parameters, gradients or {}))
    recent: deque[tuple[Any, tuple[Any, ...], weakref.ref[_Held]]] = deque(maxlen=_RECENT)

    def run_forward(inputs: Inputs, params: Parameters) -> tuple[Any, Any]:
        layer = door.build(inputs)
        return layer.forward(*door.own(inputs), **params), _Held(layer)

    def run_backward(grad_output: Any, inputs: Inputs, saved: _Held, params: Parameters) -> Any:
        # The very same arrays while the first answer is still held: is it the same after another step?
        repeated = any(
            g is grad_output and held() is not None and all(map(operator.is_, xs, inputs)) for g, xs, held in recent
        )
        recent.append((grad_output, tuple(inputs), weakref.ref(saved)))
        layer = door.stepped(inputs, grad_output, params) if repeated else saved.layer
        return door.collect(layer, layer.backward(grad_output))

    def saved_arrays(saved: _Held) -> list[Array]:
        return arrays_within(getattr(saved.layer, "cache", None))

    label = name or str(getattr(factory, "__qualname__", type(factory).__name__))
    return Subject(label, run_forward, run_backward, saved_arrays, source=door.source())


class _Held:
    """The layer of one forward, for as long as its answer matters to the caller."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer


@dataclass(frozen=True, slots=True)
class _Door:
    """Where one class of layers keeps its parameters and gradients."""

    factory: Callable[[], Any]
    parameters: tuple[str, ...]
    in_dictionary: bool
    gradients: Mapping[str, str]

    def build(self, inputs: Inputs) -> Any:
        layer, count = self.factory(), len(self.parameters)
        if len(inputs) <= count:
            raise TypeError(
                f"{len(inputs)} input{'s' * (len(inputs) != 1)} for a layer of {count} parameters "
                f"({', '.join(self.parameters)}); the signature lists the inputs of forward, then each parameter"
            )
        values = inputs[len(inputs) - count :]
        for parameter, value in zip(self.parameters, values, strict=True):
            if self.in_dictionary:
                layer.params[parameter] = value
            else:
                setattr(layer, parameter, value)
        self.restart(layer)
        return layer

    def restart(self, layer: Any) -> None:
        """Layers that add gradients up on purpose have a way to start at zero."""
        zero = getattr(layer, "zero_grad", None)
        if callable(zero):
            zero()

    def stepped(self, inputs: Inputs, grad_output: Any, params: Parameters) -> Any:
        """A layer after `forward(*inputs)` that has done a whole step on other numbers before."""
        layer = self.build(inputs)
        # The same rows in reverse: legal wherever these are.
        layer.forward(*(x[::-1].copy() if x.ndim else x for x in self.own(inputs)), **params)
        layer.backward(grad_output + grad_output)
        self.restart(layer)
        layer.forward(*self.own(inputs), **params)
        return layer

    def own(self, inputs: Inputs) -> Inputs:
        """The inputs of `forward`: all but the parameters."""
        return inputs[: len(inputs) - len(self.parameters)]

    def collect(self, layer: Any, returned: Any) -> Any:
        first = tuple(returned) if isinstance(returned, tuple | list) else (returned,)
        return (*first, *(self._gradient(layer, parameter) for parameter in self.parameters))

    def _gradient(self, layer: Any, parameter: str) -> Any:
        given = self.gradients.get(parameter)
        names = [given] if given else [pattern.format(parameter) for pattern in _PATTERNS]
        stored = getattr(layer, "grads", None)
        if isinstance(stored, Mapping):
            for name in names:
                if name in stored:
                    return stored[name]
        # An attribute named like the parameter is the parameter.
        found = [getattr(layer, name) for name in names if name != parameter and hasattr(layer, name)]
        return found[0] if found else None

    def source(self) -> str:
        count, names = len(self.parameters), self.parameters
        store = "layer.params[name] = value" if self.in_dictionary else "setattr(layer, name, value)"
        where = {name: self.gradients.get(name, name) for name in names}
        attribute = {name: self.gradients.get(name, f"grad_{name}") for name in names}
        reads = ", ".join(
            f"layer.grads[{where[name]!r}]" if self.in_dictionary else f"layer.{attribute[name]}" for name in names
        )
        return "\n".join(
            (
                import_line(self.factory, "factory"),
                "def build(inputs):",
                "    layer = factory()",
                f"    for name, value in zip({names!r}, inputs[len(inputs) - {count}:]): {store}",
                f"    return layer, inputs[:len(inputs) - {count}]",
                "def forward(*inputs, **params):",
                "    layer, own = build(inputs)",
                "    return layer.forward(*own, **params)",
                "def backward(g, *inputs, **params):",
                "    layer, own = build(inputs)",
                "    layer.forward(*own, **params)",
                f"    return (layer.backward(g), {reads})",
            )
        )


def _places(
    factory: Callable[[], Any], parameters: Sequence[str] | None, gradients: Mapping[str, str]
) -> tuple[tuple[str, ...], bool, Mapping[str, str]]:
    try:
        layer = factory()
    except Exception as error:
        raise SignatureError(
            f"factory() raises {type(error).__name__}: {error}; pass a function without arguments, as lambda: Layer(3)"
        ) from error
    kind = type(layer).__name__
    for method in ("forward", "backward"):
        if not callable(getattr(layer, method, None)):
            raise SignatureError(
                f"factory() gives {kind}, which has no method {method!r}; for two functions use gradlab.check(forward, "
                "backward, ...), for a torch module gradlab.torch.check"
            )
    if isinstance(parameters, str):
        raise SignatureError(f"parameters={parameters!r} is a string; write a tuple: parameters=({parameters!r},)")
    stored = getattr(layer, "params", None)
    in_dictionary = isinstance(stored, Mapping)
    if stored is not None and not in_dictionary:
        raise SignatureError(
            f"{kind}.params is a {type(stored).__name__}; a dictionary is expected, or name attributes in parameters"
        )
    known = tuple(stored) if isinstance(stored, Mapping) else ()
    chosen = known if parameters is None else tuple(parameters)
    for parameter in chosen:
        if not (parameter in known if in_dictionary else hasattr(layer, parameter)):
            where = f"{kind}.params; it has {', '.join(map(repr, known)) or 'none'}" if in_dictionary else kind
            raise SignatureError(f"parameters: {parameter!r} is not in {where}")
    for parameter in gradients:
        if parameter not in chosen:
            raise SignatureError(f"gradients: {parameter!r} is not a parameter; known: {', '.join(chosen) or 'none'}")
    return chosen, in_dictionary, dict(gradients)
