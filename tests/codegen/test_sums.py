"""A sum of which a part can be taken first, because what is multiplied by it does not run over that part's axes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gradlab.codegen import numpy_source, torch_source  # noqa: E402 - after the check that torch is there
from gradlab.codegen.routines import forward  # noqa: E402
from gradlab.codegen.statements import Reduce  # noqa: E402
from gradlab.symbolic.derive import Derivation, derive  # noqa: E402
from gradlab.symbolic.formula import formula  # noqa: E402
from gradlab.symbolic.read import read  # noqa: E402

# Formula, the same sum in einsum's words, and what is summed over what in turn.
NESTED = {
    "weights": ("y[n] = sum[k,h](w[k] * x[n,k,h])", "k,nkh->n", ["sum[h] x", "sum[k] sum_x w"]),
    "weights of a product": (
        "y[n] = sum[k,h](w[k] * x[n,k,h] * z[n,k,h])",
        "k,nkh,nkh->n",
        ["sum[h] x z", "sum[k] dot_x_z w"],
    ),
    "on both sides": ("y = sum[i,j](a[i] * m[i,j] * b[j])", "i,ij,j->", ["sum[j] b m", "sum[i] a dot_b_m"]),
    "beside another sum": ("y[n,j] = sum[i,k](x[n,i] * z[j,i,k])", "ni,jik->nj", ["sum[k] z", "sum[i] sum_z x"]),
    "matrices": ("y[n,m] = sum[i,k](a[n,i] * b[i,k] * c[k,m])", "ni,ik,km->nm", ["sum[i,k] a b c"]),
    "all axes": ("y = sum[i,j](a[i,j] * b[i,j])", "ij,ij->", ["sum[i,j] a b"]),
}


def derived(text: str) -> Derivation:
    """The derivation of a formula."""
    return derive(read(formula(text)))


def sums(text: str) -> list[str]:
    """The sums of a formula's forward, each with its axes and operands."""
    found = [s for s in forward(derived(text)).statements if isinstance(s, Reduce)]
    names = [" ".join(sorted(value.name for value in statement.operands)) for statement in found]
    return [
        f"sum[{','.join(index.axis.name for index in s.bound)}] {name}" for s, name in zip(found, names, strict=True)
    ]


@pytest.mark.parametrize(("text", "spelled", "expected"), NESTED.values(), ids=NESTED)
def test_the_inner_sum_is_taken_first(text: str, spelled: str, expected: list[str]) -> None:
    """Where what it is multiplied by fits into what it leaves; a product of matrices stays whole."""
    assert sums(text) == expected
    derivation, rng = derived(text), np.random.default_rng(0)
    sizes = dict(zip("nkhijm", (2, 3, 4, 5, 6, 7), strict=True))
    layouts = spelled.split("->")[0].split(",")
    values = {name: rng.normal(size=[sizes[i] for i in own]) for name, own in zip(_order(text), layouts, strict=True)}
    arrays = [values[given.tensor.name] for given in derivation.program.inputs]
    for source, convert in ((numpy_source, np.asarray), (torch_source, torch.from_numpy)):
        module: dict = {}
        exec(compile(source(derivation), "<kernel>", "exec"), module)
        output, _ = module["forward"](*map(convert, arrays))
        np.testing.assert_allclose(np.asarray(output), np.einsum(spelled, *values.values()), rtol=1e-12)


def test_the_same_inner_sum_is_taken_once() -> None:
    """Also where the index that it leaves has another name in each of the sums that need it."""
    text = "a[n] = sum[k,h](w[k] * x[n,k,h]); b[n] = sum[j,h](v[j] * x[n,j,h]); y[n] = a[n] * b[n]"
    assert sums(text) == ["sum[h] x", "sum[k] sum_x w", "sum[k] sum_x v"]


def _order(text: str) -> list[str]:
    """The names of the factors of a sum as they are written."""
    product = text[text.index("](") + 2 :]
    return [factor.strip()[0] for factor in product.split("*")]
