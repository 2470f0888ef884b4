"""Matrix products: which sums become one, and in which order their operands stand."""

import numpy as np
import pytest

from gradlab.codegen.contraction import einsum, matmul, multiplied, numbers
from gradlab.codegen.statements import Value
from gradlab.symbolic.indices import Axis, Index

N = Index("n", Axis("n", ellipsis=True))
H, P, J, K = (Index(name, Axis(name)) for name in "hijk")
SIZES = {N: 2, H: 3, P: 4, J: 5, K: 6}

PRODUCTS = {
    "matrices": ((P, K), (K, J), (P, J), "a @ b"),
    "transposed": ((P, K), (J, K), (P, J), "a @ b.T"),
    "other order": ((P, K), (J, K), (J, P), "b @ a.T"),
    "leading": ((N, P, K), (N, K, J), (N, P, J), "a @ b"),
    "leading, transposed": ((N, P, K), (N, J, K), (N, P, J), "a @ b.mT"),
    "leading, both transposed": ((N, K, P), (N, J, K), (N, P, J), "a.mT @ b.mT"),
    "batch axis": ((H, P, K), (H, J, K), (H, P, J), "a @ b.mT"),
    "leading and batch axis": ((N, H, P, K), (N, H, K, J), (N, H, P, J), "a @ b"),
    "shared matrix": ((N, K), (J, K), (N, J), "a @ b.T"),
    "shared vector": ((N, K), (K,), (N,), "a @ b"),
}


@pytest.mark.parametrize(("left", "right", "target", "code"), PRODUCTS.values(), ids=PRODUCTS)
def test_matrix_products(left: tuple, right: tuple, target: tuple, code: str) -> None:
    """A sum over one index is printed as a matrix product, which has einsum's values at unequal sizes."""
    operands = (Value("a", left), Value("b", right))
    assert matmul(operands, (K,), target) == code
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=tuple(SIZES[index] for index in value.layout)) for value in operands)
    expected = eval(einsum("np.einsum", operands, target), {"np": np, "a": a, "b": b})
    np.testing.assert_allclose(eval(code, {"a": a, "b": b}), expected)


def test_other_sums_are_no_matrix_products() -> None:
    """Sums over several indices, over leading dimensions, or of what no product of matrices gives."""
    assert matmul((Value("a", (P, J, K)), Value("b", (J, K))), (J, K), (P,)) is None
    assert matmul((Value("a", (P, K)), Value("b", (K,)), Value("c", (K,))), (K,), (P,)) is None
    assert matmul((Value("a", (H, K)), Value("b", (K, H))), (K,), (H,)) is None
    assert matmul((Value("a", (N, P)), Value("b", (N, J))), (N,), (P, J)) is None


SUMMED = {
    "leading": ((P, J, K), (J, K), (K,), (P, J), "(a * b).sum(dim=2)"),
    "several": ((H, P, J, K), (P, J), (P, J, K), (H,), "(a * b[:, :, None]).sum(dim=(1, 2, 3))"),
    "other order": ((J,), (H, J, K), (J,), (H, K), "(b * a[:, None]).sum(dim=1)"),
    "all": ((P, J), (J,), (P, J), (), "(a * b).sum()"),
}


@pytest.mark.parametrize(("left", "right", "bound", "target", "code"), SUMMED.values(), ids=SUMMED)
def test_sums_of_products(left: tuple, right: tuple, bound: tuple, target: tuple, code: str) -> None:
    """A product that is as large as one of its operands is summed, with einsum's values at unequal sizes."""
    torch = pytest.importorskip("torch")
    operands = (Value("a", left), Value("b", right))
    assert multiplied(operands, bound, target) == code
    rng = np.random.default_rng(0)
    a, b = (torch.from_numpy(rng.normal(size=tuple(SIZES[index] for index in value.layout))) for value in operands)
    expected = eval(einsum("torch.einsum", operands, target), {"torch": torch, "a": a, "b": b})
    torch.testing.assert_close(eval(code, {"a": a, "b": b}), expected)


def test_products_larger_than_their_operands_are_not_made() -> None:
    """Nor those of axes in another order, or over leading dimensions."""
    assert multiplied((Value("a", (P, J)), Value("b", (J, K))), (J,), (P, K)) is None
    assert multiplied((Value("a", (N, J, K)), Value("b", (K,))), (J, K), (N,)) is None
    assert multiplied((Value("a", (K, P, J, H)), Value("b", (J, K))), (H, J), (K, P)) is None
    assert multiplied((Value("a", (K, P, J)), Value("b", (J,))), (J,), (P, K)) is None


def test_masks_are_summed_as_numbers() -> None:
    """A sum of masks alone has the dtype of the routine's arrays; beside numbers, NumPy casts by itself."""
    mask, x = Value("mask", (P,), boolean=True), Value("x", (P,))
    assert [value.name for value in numbers((mask,), "q", "astype")] == ["mask.astype(q.dtype)"]
    assert numbers((mask, x), "q", "astype") == (mask, x)
    assert [value.name for value in numbers((mask, x), "q", "to", mixed=False)] == ["mask.to(x.dtype)", "x"]
