"""Bad input at the door of a torch layer: the messages are those of NumPy's layers, from the same signatures."""

import re
from typing import Any

import pytest
import torch

from gradlab.errors import DtypeError, ShapeError
from gradlab.torch import nn
from tests.nn.layers import Row, rows
from tests.torch.test_nn import inputs_of

ROWS = pytest.mark.parametrize("row", [row for row in rows() if row.layer in nn.__all__], ids=str)


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (
            nn.Linear(3071, 100),
            [torch.zeros(400, 3072)],
            "linear: input has 3072 features, weight expects 3071 (weight is (100, 3071)); input is (400, 3072)",
        ),
        (nn.Linear(3, 2), [torch.zeros(2, 5, 4)], "weight expects 3 (weight is (2, 3)); input is (2, 5, 4)"),
        (nn.Linear(3, 2), [torch.zeros(4, 3).long()], "linear: input is torch.int64; floats are expected"),
        (nn.Linear(3, 2), [torch.zeros(4, 3).bool()], "linear: input is torch.bool; floats are expected"),
        (nn.Linear(3, 2), [torch.zeros(4, 3).double()], "input is torch.float64, weight is torch.float32; cast one"),
        (nn.Linear(3, 2), [torch.zeros(())], "linear: input is (); 2 dimensions are expected: (n, i)"),
        (nn.BatchNorm1d(3), [torch.zeros(4, 2)], "batch_norm: input has 2 channels, weight expects 3"),
        (
            nn.Conv2d(3, 8, 3),
            [torch.zeros(2, 4, 5, 5)],
            "conv2d: input has 4 channels, weight expects 3 (weight is (8, 3, 3, 3)); input is (2, 4, 5, 5)",
        ),
        (nn.Conv2d(4, 8, 3, groups=4), [torch.zeros(2, 3, 5, 5)], "weight expects groups=4 times 1"),
        (nn.BatchNorm2d(3), [torch.zeros(4, 3)], "expected 4D input (got 2D input)"),
        (
            nn.CrossEntropyLoss(),
            [torch.zeros(4, 3), torch.zeros(5).long()],
            "input has 4 rows, target expects 5 (target is (5,)); input is (4, 3)",
        ),
        (
            nn.CrossEntropyLoss(),
            [torch.zeros(2, 5, 4, 3), torch.zeros(2, 3, 4).long()],
            "CrossEntropyLoss: input is (2, 5, 4, 3), target is (2, 3, 4); one label for each place is (2, 4, 3)",
        ),
        (nn.MSELoss(reduction="avg"), [torch.zeros(4), torch.zeros(4)], "reduction='avg'; choose 'mean', 'sum' or"),
        (
            nn.CrossEntropyLoss(label_smoothing=1.5),
            [torch.zeros(4, 3), torch.zeros(4).long()],
            "label_smoothing=1.5; give a share from 0 to 1",
        ),
        (nn.CrossEntropyLoss(), [torch.zeros(4, 3), torch.zeros(4)], "target is torch.float32; integers are expected"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer: torch.nn.Module, inputs: list[Any], message: str) -> None:
    """Shapes and dtypes are checked once, before anything is computed."""
    with pytest.raises((ShapeError, DtypeError, ValueError), match=re.escape(message)):
        layer(*inputs)


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1)])
def test_batch_norm_refuses_to_train_on_one_value_per_channel(shape: tuple[int, ...]) -> None:
    """As in torch it is a ValueError, the running statistics stay, and evaluation takes the same input."""
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match="one value per channel"):
        layer(torch.zeros(shape))
    assert int(layer.num_batches_tracked) == 0
    assert layer.eval()(torch.zeros(shape)).shape == shape


@ROWS
def test_backward_twice_needs_retain(row: Row) -> None:
    """The saved tensors are freed by the first backward, unless retain_graph keeps them: torch's own error and way."""
    layer, inputs = row.build(nn).double(), inputs_of(row, torch.float64)
    output = layer(*inputs).sum()
    output.backward(retain_graph=True)
    output.backward()
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        output.backward()


@ROWS
def test_an_upstream_of_another_shape_is_refused(row: Row) -> None:
    """Torch names both shapes of a gradient that does not fit the output."""
    layer = row.build(nn).double()
    output = layer(*inputs_of(row, torch.float64))
    with pytest.raises(RuntimeError, match="shape"):
        output.backward(torch.zeros(3, *output.shape, dtype=torch.float64))


@ROWS
def test_integers_are_refused_where_floats_are_needed(row: Row) -> None:
    """The message names the dtype and the cast."""
    x, *rest = inputs_of(row, torch.float64)
    with pytest.raises(DtypeError, match=r"input is torch.int64; floats are expected: cast it"):
        row.build(nn).double()(x.detach().long(), *rest)
