"""Hypothesis: the correct gradient times a quantity that differs from element to element, and has a name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.entries import arrays_at, product_of
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import largest

_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid({})": lambda x: np.asarray(1 / (1 + np.exp(-x))),
    "tanh({})": np.tanh,
    "exp({})": np.exp,
}


def factor(evidence: Evidence) -> Diagnosis | None:
    """Entry by entry, the claimed Jacobian is the true one times a product of inputs, output or a function of them."""
    usual = evidence.samples[0].sizes, evidence.samples[0].params
    ratios: list[Array] = []
    found: dict[str, list[Array]] = {}
    for sample, claimed, true in evidence.jacobians:
        if (sample.sizes, sample.params) != usual:
            continue
        big = np.abs(true) > 1e-4 * largest(true)
        nothing = np.abs(true) < 1e-12 * largest(true)
        if not big.any() or largest(claimed[nothing]) > 1e-9 * largest(claimed):
            return None
        rows, columns = np.nonzero(big)
        ratios.append(claimed[rows, columns] / true[rows, columns])
        for name, array in arrays_at(evidence, sample, rows, columns).items():
            found.setdefault(name, []).append(array)
    if not ratios:
        return None
    ratio = np.concatenate(ratios)
    arrays = {name: np.concatenate(parts) for name, parts in found.items() if len(parts) == len(ratios)}
    product = product_of(ratio, arrays)
    for form, function in _FUNCTIONS.items():
        if product is not None or evidence.laboratory.expired:
            break
        for name, array in arrays.items():
            product = product or product_of(ratio, {form.format(name): function(array)})
    if product is None or not product.powers:
        return None
    text = f"{evidence.grad} is the correct gradient times {product}, element by element ({evidence.fit()})"
    remedy = f"{evidence.grad} has a factor {product} too much: replace the quantity that brings it in"
    return Diagnosis("mistaken quantity", text, remedy, evidence.facts(factor=str(product)))
