"""MultiheadAttention against torch.nn's: masks, layouts, weights, gradients, checkpoints."""

from typing import Any

import pytest
import torch
from torch.autograd.function import BackwardCFunction

from gradlab.torch import nn

N, H, L, S, E = 2, 2, 3, 4, 6


def pair(**settings: Any) -> tuple[Any, Any]:
    """Torch's layer and ours with the same numbers, biases other than 0 among them."""
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(E, H, **settings).double()
    for parameter in theirs.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    ours = nn.MultiheadAttention(E, H, **settings).double()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def inputs(*, batch_first: bool = False, sizes: tuple[int, int] = (E, E)) -> list[torch.Tensor]:
    """Query, key and value that require gradients."""
    shapes = [(L, N, E), (S, N, sizes[0]), (S, N, sizes[1])]
    values = [torch.randn(shape, dtype=torch.float64) for shape in shapes]
    return [(x.transpose(0, 1).contiguous() if batch_first else x).requires_grad_() for x in values]


def assert_same(theirs: Any, ours: Any, given: list[torch.Tensor], **keywords: Any) -> None:
    """Outputs, weights and all gradients agree."""
    found, expected = ours(*given, **keywords), theirs(*given, **keywords)
    assert (found[1] is None) == (expected[1] is None)
    close(found[0], expected[0])
    if expected[1] is not None:
        close(found[1], expected[1])
    upstream = torch.randn_like(expected[0])
    pairs = zip(
        torch.autograd.grad(found[0], [*given, *ours.parameters()], upstream),
        torch.autograd.grad(expected[0], [*given, *theirs.parameters()], upstream),
        strict=True,
    )
    for mine, wanted in pairs:
        close(mine, wanted)


def close(mine: torch.Tensor, wanted: torch.Tensor) -> None:
    """Equal to rounding, NaN where the other is."""
    torch.testing.assert_close(mine, wanted, rtol=1e-10, atol=1e-10, equal_nan=True)


CAUSAL = torch.ones(L, S, dtype=torch.bool).triu(1)
PADDING = torch.tensor([[False, False, True, True], [False, False, False, True]])
MASKS = {
    "none": {},
    "causal": {"attn_mask": CAUSAL},
    "padding": {"key_padding_mask": PADDING},
    "both": {"attn_mask": CAUSAL, "key_padding_mask": PADDING},
    "for each head": {"attn_mask": CAUSAL.expand(N * H, L, S).clone()},
    "added": {"attn_mask": torch.linspace(-1, 1, L * S, dtype=torch.float64).reshape(L, S)},
    "added and padding": {
        "attn_mask": torch.linspace(-1, 1, L * S, dtype=torch.float64).reshape(L, S),
        "key_padding_mask": torch.zeros(N, S, dtype=torch.float64).masked_fill(PADDING, -torch.inf),
    },
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("settings", [{}, {"batch_first": True, "bias": False}], ids=str)
def test_it_is_torchs(mask: str, need_weights: bool, settings: dict[str, Any]) -> None:
    """Output, weights and all gradients, with every kind of mask."""
    theirs, ours = pair(**settings)
    given = inputs(batch_first=settings.get("batch_first", False))
    assert_same(theirs, ours, given, need_weights=need_weights, **MASKS[mask])


@pytest.mark.parametrize("need_weights", [True, False])
def test_keys_and_values_of_other_sizes(need_weights: bool) -> None:
    """kdim and vdim have weights of their own; the weights of each head are given if they are asked for."""
    theirs, ours = pair(kdim=5, vdim=7)
    given = inputs(sizes=(5, 7))
    assert_same(theirs, ours, given, need_weights=need_weights, average_attn_weights=False)


def test_one_sequence_without_a_batch() -> None:
    """(L, E) is a batch of one."""
    theirs, ours = pair()
    given = [x[:, 0].detach().requires_grad_() for x in inputs()]
    assert_same(theirs, ours, given)


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_query_that_sees_no_key(need_weights: bool) -> None:
    """As in torch: NaN where the weights are computed, and 0 from one operation."""
    theirs, ours = pair()
    hidden = CAUSAL.clone()
    hidden[1] = True
    given = inputs()
    found, expected = (layer(*given, attn_mask=hidden, need_weights=need_weights)[0] for layer in (ours, theirs))
    close(found, expected)
    assert bool(found[1].isnan().all()) == need_weights


def test_checkpoints_are_torchs() -> None:
    """The names and numbers of the state_dict are torch's own, and load both ways."""
    theirs, ours = pair()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict(ours.state_dict())


def test_the_derived_backward_runs() -> None:
    """The graph consists of derived operations and of nodes that only move numbers."""
    _, ours = pair()
    moves = ("AccumulateGrad", "View", "Transpose", "Slice", "Clone", "Select", "Unsqueeze", "Expand", "ReshapeAlias")
    for need_weights in (True, False):
        waiting, others = [ours(*inputs(), need_weights=need_weights)[0].grad_fn], set()
        while waiting:
            node = waiting.pop()
            if node is not None:
                if not isinstance(node, BackwardCFunction):
                    others.add(node.name())
                waiting += [after for after, _ in node.next_functions]
        assert {name for name in others if not any(move in name for move in moves)} == set()


@pytest.mark.parametrize(
    ("settings", "keywords", "message"),
    [
        ({"dropout": 0.1}, {}, "dropout=0.1 is not derived; use 0, or eval()"),
        ({"add_zero_attn": True}, {}, "add_bias_kv and add_zero_attn are not derived"),
        ({"add_bias_kv": True}, {}, "add_bias_kv and add_zero_attn are not derived"),
        ({}, {"is_causal": True}, "is_causal is a hint of what attn_mask holds; give attn_mask too"),
    ],
)
def test_what_is_not_derived_is_refused(settings: dict[str, Any], keywords: dict[str, Any], message: str) -> None:
    """Each setting is named, with what to do."""
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace(")", r"\)")):
        nn.MultiheadAttention(E, H, **settings).double()(*inputs(), **keywords)
