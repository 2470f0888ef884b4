"""MultiheadAttention of NumPy against torch.nn's: masks, gradients, checkpoints, errors."""

from typing import Any

import numpy as np
import pytest
import torch

from gradlab import nn
from gradlab.errors import OrderError, ShapeError

N, H, L, S, E = 2, 2, 3, 4, 6
CAUSAL = np.triu(np.ones((L, S), bool), 1)
PADDING = np.array([[False, False, True, True], [False, False, False, True]])
BIAS = np.linspace(-1, 1, L * S).reshape(L, S)
MASKS = {
    "none": {},
    "causal": {"attn_mask": CAUSAL},
    "padding": {"key_padding_mask": PADDING},
    "both": {"attn_mask": CAUSAL, "key_padding_mask": PADDING},
    "for each head": {"attn_mask": np.broadcast_to(CAUSAL, (N * H, L, S)).copy()},
    "added": {"attn_mask": BIAS},
    "no key": {"attn_mask": np.repeat([[False], [True], [False]], S, axis=1)},
}


def pair(**settings: Any) -> tuple[Any, Any]:
    """Torch's layer and ours with the same numbers, biases other than 0 among them."""
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(E, H, **settings).double()
    for parameter in theirs.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    ours = nn.MultiheadAttention(E, H, dtype="float64", **settings)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def inputs(batch_first: bool) -> list[Any]:
    """Query, key and value."""
    rng = np.random.default_rng(1)
    values = [rng.standard_normal((length, N, E)) for length in (L, S, S)]
    return [x.swapaxes(0, 1).copy() if batch_first else x for x in values]


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("settings", [{}, {"batch_first": True, "bias": False}], ids=str)
def test_it_is_torchs(mask: str, settings: dict[str, Any]) -> None:
    """Output and all gradients, with every kind of mask; a query that sees no key gets 0."""
    theirs, ours = pair(**settings)
    given = inputs(settings.get("batch_first", False))
    leaves = [torch.from_numpy(x).requires_grad_() for x in given]
    keywords = {name: torch.from_numpy(value) for name, value in MASKS[mask].items()}
    expected, _ = theirs(*leaves, need_weights=False, **keywords)
    output = ours(*given, **MASKS[mask])
    np.testing.assert_allclose(output, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    upstream = np.random.default_rng(2).standard_normal(output.shape)
    expected.backward(torch.from_numpy(upstream))
    for gradient, leaf in zip(ours.backward(upstream), leaves, strict=True):
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-10, atol=1e-12)
    for (name, own), (_, other) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert own.grad is not None, name
        np.testing.assert_allclose(own.grad, other.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_checkpoints_and_new_layers_are_torchs() -> None:
    """Names and shapes are torch's own; a new layer's biases are 0 and its weights stay within torch's bounds."""
    theirs, ours = pair()
    assert {name: array.shape for name, array in ours.state_dict().items()} == {
        name: tuple(tensor.shape) for name, tensor in theirs.state_dict().items()
    }
    assert list(ours.state_dict()) == list(theirs.state_dict())
    new = nn.MultiheadAttention(E, H, seed=0)
    assert not new.in_proj_bias.any()
    assert not new.out_proj.bias.any()
    assert 0.9 < abs(new.in_proj_weight).max() / np.sqrt(6 / (4 * E)) <= 1


def test_bad_input_is_refused() -> None:
    """Heads that do not divide, other ranks and features, a backward without a forward."""
    with pytest.raises(ValueError, match="embed_dim=6 does not divide into num_heads=4"):
        nn.MultiheadAttention(6, 4)
    layer, x = nn.MultiheadAttention(E, H), np.ones((L, N, E), "float32")
    with pytest.raises(ShapeError, match=r"query is \(3, 6\); 3 dimensions are expected"):
        layer(x[:, 0], x, x)
    with pytest.raises(ShapeError, match="linear: key has 5 features, weight expects 6"):
        layer(x, x[..., :5], x)
    with pytest.raises(OrderError, match="backward without a forward before it"):
        layer.backward(x)
    layer(x, x, x)
    layer.backward(x, retain=True)
    twice = layer.backward(x, input_gradient=False)
    assert twice is None
    with pytest.raises(OrderError, match="backward without a forward before it"):
        layer.backward(x)
