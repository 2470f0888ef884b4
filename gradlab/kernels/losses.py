"""What the losses of NumPy and of torch check alike."""

from __future__ import annotations

from gradlab.errors import ShapeError

Shape = tuple[int, ...]


def check_reduction(reduction: str) -> str:
    """The reduction itself.

    >>> check_reduction("avg")
    Traceback (most recent call last):
    ValueError: reduction='avg'; choose 'mean', 'sum' or 'none'
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction={reduction!r}; choose 'mean', 'sum' or 'none'")
    return reduction


def check_smoothing(label_smoothing: float) -> float:
    """The share of a label that all classes get, from 0 to 1; ValueError for others."""
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing={label_smoothing}; give a share from 0 to 1")
    return label_smoothing


def check_places(name: str, x: Shape, target: Shape) -> None:
    """Raise ShapeError unless a target has one label for each place of an input with classes along axis 1.

    Inputs of one or two axes are the kernel's to check, whose message names the rows.

    >>> check_places("NLLLoss", (2, 5, 3), (2, 4))
    Traceback (most recent call last):
    gradlab.errors.ShapeError: NLLLoss: input is (2, 5, 3), target is (2, 4); one label for each place is (2, 3)
    """
    places = (*x[:1], *x[2:])
    if len(x) > 2 and target != places:
        raise ShapeError(f"{name}: input is {x}, target is {target}; one label for each place is {places}")


def classes_of(x: Shape) -> int:
    """How many classes an input of this shape has: along axis 1, or along its only one.

    >>> classes_of((4, 3)), classes_of((5,))
    (3, 5)
    """
    return x[1] if len(x) > 1 else x[0] if x else 1
