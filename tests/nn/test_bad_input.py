"""Bad input at the door of a NumPy layer: each message says what came, what was expected, and what to do."""

import re
from typing import Any

import numpy as np
import pytest

from gradlab import nn
from gradlab.errors import DtypeError, OrderError, ShapeError
from gradlab.nn.module import Module
from tests.nn.layers import Row, rows

ROWS = pytest.mark.parametrize("row", rows(), ids=str)


def built(row: Row) -> tuple[Module, list[Any]]:
    """A layer of float64 and inputs for it."""
    layer = row.build(nn)
    layer = row.build(nn, dtype="float64") if layer.state_dict() else layer
    return layer, row.inputs("float64")


def ones(shape: tuple[int, ...], dtype: str = "float32") -> Any:
    """An array of ones."""
    return np.ones(shape, dtype)


def test_features_that_do_not_fit_name_both_shapes() -> None:
    """The message of the issue: what the input has, what the weight expects, and both shapes."""
    message = "linear: input has 3072 features, weight expects 3071 (weight is (100, 3071)); input is (400, 3072)"
    with pytest.raises(ShapeError, match=re.escape(message)):
        nn.Linear(3071, 100)(ones((400, 3072)))


@pytest.mark.parametrize(
    ("layer", "inputs", "message"),
    [
        (nn.Linear(3, 2), [ones((2, 5, 4))], "linear: input has 4 features, weight expects 3"),
        (nn.Linear(3, 2), [ones((4, 3), "int64")], "linear: input is int64; floats are expected"),
        (nn.Linear(3, 2), [ones((4, 3), "bool")], "linear: input is bool; floats are expected"),
        (nn.Linear(3, 2), [ones((4, 3), "float64")], "linear: input is float64, weight is float32; cast one"),
        (nn.Linear(3, 2), [ones(())], "linear: input is (); 2 dimensions are expected: (n, i)"),
        (nn.BatchNorm1d(3), [ones((4, 2))], "batch_norm: input has 2 channels, weight expects 3 (weight is (3,))"),
        (nn.BatchNorm1d(3), [ones((3,))], "BatchNorm1d: input is (3,); 2 or 3 dimensions are expected"),
        (
            nn.Conv2d(3, 8, 3),
            [ones((2, 4, 5, 5))],
            "conv2d: input has 4 channels, weight expects 3 (weight is (8, 3, 3, 3)); input is (2, 4, 5, 5)",
        ),
        (nn.AvgPool2d(2), [ones((4, 3))], "avg_pool2d: input is (4, 3); 4 dimensions are expected"),
        (nn.AdaptiveAvgPool2d((2, 3)), [ones((4,))], "avg_pool2d: input is (4,); 4 dimensions are expected"),
        (nn.Conv2d(4, 8, 3, groups=4), [ones((2, 3, 5, 5))], "weight expects groups=4 times 1"),
        (nn.BatchNorm2d(3), [ones((4, 3))], "BatchNorm2d: input is (4, 3); 4 dimensions are expected"),
        (nn.ReLU(), [ones((3,), "int32")], "relu: input is int32; floats are expected: cast it to float32"),
        (
            nn.CrossEntropyLoss(),
            [ones((4, 3)), ones((5,), "int64")],
            "softmax_cross_entropy_labels: input has 4 rows, label expects 5 (label is (5,)); input is (4, 3)",
        ),
        (
            nn.CrossEntropyLoss(),
            [ones((2, 5, 4, 3)), ones((2, 3, 4), "int64")],
            "CrossEntropyLoss: input is (2, 5, 4, 3), target is (2, 3, 4); one label for each place is (2, 4, 3)",
        ),
        (nn.CrossEntropyLoss(), [ones((4, 3)), ones((4,))], "label is float32; integers are expected"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(layer: Module, inputs: list[Any], message: str) -> None:
    """Shapes and dtypes are checked once, before anything is computed."""
    with pytest.raises((ShapeError, DtypeError), match=re.escape(message)):
        layer(*inputs)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, stride=(1, 2, 3)), "stride=(1, 2, 3); give one whole number, or one for each of 2"),
        (lambda: nn.Conv2d(3, 4, (2, 3), padding="same"), "[0, 1] zeros before and [1, 1] behind"),
        (lambda: nn.Conv2d(3, 4, 3, stride=2, padding="same"), "only a stride of 1 keeps the size"),
        (lambda: nn.Conv1d(3, 4, 3, padding="full"), "padding='full'; give numbers, 'valid' or 'same'"),
        (lambda: nn.MaxPool2d(2, padding=2), "padding=2 is more than half of the windows, which reach over (2, 2)"),
        (lambda: nn.AvgPool2d((4, 2), padding=(1, 2)), "padding=(1, 2) is more than half of the windows"),
        (lambda: nn.AvgPool2d(2, divisor_override=0)(ones((1, 1, 2, 2))), "divisor_override=0"),
        (lambda: nn.AvgPool2d(3, ceil_mode=True)(ones((1, 1, 0, 3))), "no window of 3 fits into 0 with padding=0"),
        (lambda: nn.MSELoss(reduction="avg"), "reduction='avg'; choose 'mean', 'sum' or 'none'"),
        (lambda: nn.HuberLoss(delta=0.0), "delta=0.0; give more than 0"),
        (lambda: nn.SmoothL1Loss(beta=-1.0), "beta=-1.0; give 0 or more"),
        (lambda: nn.CrossEntropyLoss(label_smoothing=1.5), "label_smoothing=1.5; give a share from 0 to 1"),
        (lambda: nn.AdaptiveAvgPool2d((2, 0))(ones((1, 1, 4, 4))), "output_size=(2, 0); give at least one window"),
    ],
)
def test_settings_that_cannot_be_are_refused(build: Any, message: str) -> None:
    """Each setting that makes no sense is named, with what would."""
    with pytest.raises(ValueError, match=re.escape(message)):
        build()


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1)])
def test_batch_norm_refuses_to_train_on_one_value_per_channel(shape: tuple[int, ...]) -> None:
    """As in torch it is a ValueError, and evaluation takes the same input."""
    layer = nn.BatchNorm1d(3)
    with pytest.raises(ValueError, match="one value per channel"):
        layer(ones(shape))
    assert layer.eval()(ones(shape)).shape == shape


@ROWS
def test_backward_before_forward_is_refused(row: Row) -> None:
    """A layer that has not run forward says so."""
    layer, _ = built(row)
    with pytest.raises(OrderError, match=f"{type(layer).__name__}: backward without a forward before it"):
        layer.backward(np.ones(3))


@ROWS
def test_backward_twice_needs_retain(row: Row) -> None:
    """The second backward is refused unless the first was told to retain; then it gives the same numbers."""
    layer, inputs = built(row)
    grad_output = np.ones_like(layer(*inputs))
    first = layer.backward(grad_output, retain=True)
    np.testing.assert_array_equal(layer.backward(grad_output), first)
    with pytest.raises(OrderError, match="retain=True"):
        layer.backward(grad_output)


@ROWS
def test_an_upstream_of_another_shape_or_dtype_is_refused(row: Row) -> None:
    """The message names the shape of grad_output and that of the output."""
    layer, inputs = built(row)
    output = layer(*inputs)
    shape = re.escape(f"grad_output is {(3, *np.shape(output))}, the output was {np.shape(output)}")
    with pytest.raises(ShapeError, match=shape):
        layer.backward(np.ones((3, *np.shape(output))))
    with pytest.raises(DtypeError, match="grad_output is float32, the output was float64"):
        layer.backward(np.ones(np.shape(output), "float32"))


@ROWS
def test_integers_are_refused_where_floats_are_needed(row: Row) -> None:
    """Only layers that merely reshape take integers."""
    layer, inputs = built(row)
    if isinstance(layer, nn.Flatten):
        pytest.skip("reshapes anything")
    with pytest.raises(DtypeError, match="input is int64; floats are expected"):
        layer(inputs[0].astype("int64"), *inputs[1:])
