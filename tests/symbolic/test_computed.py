"""Computed indices: how they are read, contracted, evaluated, and the sizes that follow from them."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from sympy import Idx, IndexedBase, Sum, exp, symbols

from derivations.avg_pool2d import avg_pool2d
from derivations.conv1d import conv1d
from derivations.max_pool2d import max_pool2d
from gradlab.errors import DefinitionError
from gradlab.operation import Extent, Parameter
from gradlab.symbolic.calculus import contract_term
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.derive import derive
from gradlab.symbolic.evaluate import Point, evaluate_term
from gradlab.symbolic.expand import expand
from gradlab.symbolic.extents import drawn
from gradlab.symbolic.indices import Affine, Axis, Gather, Index, Scale, rename_slot
from gradlab.symbolic.mutants import mutants
from gradlab.symbolic.program import Program
from gradlab.symbolic.read import read
from gradlab.symbolic.rings import PrimeField
from gradlab.symbolic.rules import Rule
from gradlab.symbolic.show import text
from gradlab.symbolic.terms import Expr, Function, Term
from tests.symbolic.build import delta, index, ref, term

N, W, A, P, H = symbols("N W A P H", integer=True)
stride, padding = symbols("stride padding", integer=True)
n, w, a, o = Idx("n", N), Idx("w", W), Idx("a", A), Idx("o", P)
x, k, y, z = map(IndexedBase, ("x", "k", "y", "z"))
STRIDE = Parameter("stride", 1, 1, 3, integer=True)

PLACE, INNER, SUMMED = index("o"), index("a"), index("w")
WINDOW = Affine(((Scale(1, ("stride",)), PLACE), (Scale(1), INNER)), (Scale(-1, ("padding",)),), Axis("w"))


def program(*lets: tuple[object, object], inputs: list[object], **options: object) -> Program:
    """A program whose output is its last binding."""
    return read(
        Definition(
            name="windowed",
            summary="",
            inputs=[given(item) for item in inputs],
            lets=[let(entry, value) for entry, value in lets],
            output=lets[-1][0],
            reference="x",
            **options,
        )
    )


def test_a_computed_index_has_windows_first_and_is_shown_as_it_is_written() -> None:
    """The axis that no input has comes first, whatever order SymPy keeps the sum in."""
    read_program = read(conv1d)
    value = read_program.bindings[0].value
    assert text(value, read_program, read_program.bindings[0].tensor.indices) == (
        "sum[c,a](weight[g,f,c,a] * x[n,g,c,stride*o + dilation*a - padding])"
    )


def test_the_number_of_windows_follows_from_the_padded_axis() -> None:
    """The size is torch's (W + 2 padding - dilation (A - 1) - 1) // stride + 1, as number and as formula."""
    read_program = read(conv1d)
    ((axis, windows),) = read_program.windows.items()
    sizes = {Axis("w"): 10, Axis("a"): 3}
    integers = {"stride": 3, "padding": 1, "dilation": 2}
    assert axis == Axis("o")
    assert windows.count(sizes, integers) == (10 + 2 - 2 * 2 - 1) // 3 + 1
    names = {own: own.name for own in read_program.axes}
    assert windows.formula(names) == "(w + 2 * padding - dilation * (a - 1) - 1) // stride + 1"


def test_a_rest_can_give_one_more_window() -> None:
    """Where `ceil` is 1 the size rounds up, but no window begins behind the axis: as torch's max pooling has it."""
    torch = pytest.importorskip("torch")
    windows = next(iter(read(max_pool2d).windows.values()))
    names = {axis: axis.name for axis in read(max_pool2d).axes}
    extent = Extent("o", windows.formula(names))
    for size, kernel, step, padding, dilation, ceil in itertools.product(
        range(1, 9), (2, 3), (1, 2, 3), (0, 1), (1, 2), (0, 1)
    ):
        if size + 2 * padding < dilation * (kernel - 1) + 1 and not ceil:
            continue
        integers = {"stride_h": step, "padding_h": padding, "dilation_h": dilation, "ceil_mode": ceil}
        found = windows.count({Axis("h"): size, Axis("kernel_h", parameter=True): kernel}, integers)
        assert found == extent.value({"h": size, "kernel_h": kernel, **integers})
        if found >= 1:
            pooled = torch.nn.functional.max_pool1d(
                torch.zeros(1, 1, size), kernel, step, padding, dilation, ceil_mode=bool(ceil)
            )
            assert found == pooled.shape[-1]


def test_a_shift_shortens_both_ends() -> None:
    """x[w + 1] at steps of 1 has two windows fewer than x has entries: nothing is read before 1."""
    ((_, windows),) = program((y[o], x[o + 1]), inputs=[x[w]]).windows.items()
    assert windows.count({Axis("w"): 5}, {}) == 3
    assert windows.formula({Axis("w"): "w"}) == "w - 2"


def test_an_axis_can_have_the_size_of_a_parameter() -> None:
    """The windows of a pooling run over axes whose sizes are the parameters kernel_h and kernel_w."""
    axes = {axis.name: axis for axis in read(avg_pool2d).axes}
    for name in ("kernel_h", "kernel_w"):
        assert axes[name].parameter
        assert axes[name].size == name
    assert axes["h"].size == "H"


BAD = {
    "unknown multiple": (
        lambda: program((y[o], x[stride * o]), inputs=[x[w]]),
        "binding y[o]: stride in the index stride*o is no whole number; use integers and integer parameters: "
        'Parameter("stride", 1, 1, 3, integer=True)',
    ),
    "not linear": (
        lambda: program((y[o], x[o**2]), inputs=[x[w]]),
        "binding y[o]: o**2 in the index o**2 is not linear; an index is multiplied by numbers only",
    ),
    "backwards": (
        lambda: program((y[o], x[5 - o]), inputs=[x[w]]),
        "binding y[o]: -o in the index 5 - o does not grow with o; use a positive number, or a parameter whose "
        "minimum is 1 or more",
    ),
    "a stride that may be 0": (
        lambda: program((y[o], x[stride * o]), inputs=[x[w]], parameters=[Parameter("stride", 1, 0, 3, integer=True)]),
        "binding y[o]: stride*o in the index stride*o does not grow with o; use a positive number, or a parameter "
        "whose minimum is 1 or more",
    ),
    "two sizes": (
        lambda: program((z[o], x[o + 1]), (y[o], z[o] + k[2 * o]), inputs=[x[w], k[Idx("h", H)]]),
        "index p: its size would be w - 2 and (h - 1) // 2 + 1; use an index of its own for each",
    ),
    "leading": (
        lambda: program((y[n, o], x[n + o, o]), inputs=[x[n, w]], leading=N),
        "binding y[n, o]: n in the index n + o stands for any number of leading dimensions; leave leading out to "
        "compute with it",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_computed_is_refused(case: str) -> None:
    """Every message names the place, the part that is wrong and the remedy."""
    define, message = BAD[case]
    with pytest.raises(DefinitionError) as error:
        define()
    assert str(error.value) == f"a definition: windowed: {message}"


def value(subject: Term, free: tuple[Index, ...]) -> list[int]:
    """A term at stride 2 and padding 1, with w running over 4 entries, o over 3 and a over 2."""
    tensors = {"g": np.array([1, 2, 3, 4], dtype=object), "h": np.array([5, 6, 7, 8], dtype=object)}
    sizes = {Axis("w"): 4, Axis("o"): 3, Axis("a"): 2}
    point = Point(PrimeField(), sizes, tensors, {"stride": 2, "padding": 1})
    return np.broadcast_to(evaluate_term(subject, free, point), point.shape(free)).ravel().tolist()


def test_entries_outside_are_zero() -> None:
    """Windows of two at stride 2, one before the start: the first begins outside, the last ends outside."""
    assert value(term(ref("g", WINDOW)), (PLACE, INNER)) == [0, 1, 2, 3, 4, 0]


def test_a_delta_contracts_where_the_rest_vanishes_outside() -> None:
    """Sum_w [window = w] g[w] h[w] is g h at the window, which is 0 outside as it must be."""
    before = term(delta(WINDOW, SUMMED), ref("g", SUMMED), ref("h", SUMMED), over=[SUMMED])
    after = contract_term(before)
    assert after == term(ref("g", WINDOW), ref("h", WINDOW))
    assert value(before, (PLACE, INNER)) == value(after, (PLACE, INNER))


@pytest.mark.parametrize(
    "rest",
    [
        (),
        (Function("exp", term(ref("g", SUMMED))),),
        (ref("g", SUMMED), (ref("h", SUMMED), -1)),
        (delta(WINDOW, SUMMED),),
    ],
    ids=["nothing", "exp", "division", "another computed index"],
)
def test_a_delta_stays_where_contracting_would_lose_the_zero_outside(rest: tuple[object, ...]) -> None:
    """exp(0) is 1, 1/0 is nothing, and two computed indices may meet outside: no contraction is right there."""
    other = Affine(((Scale(1), PLACE),), (), Axis("w"))
    before = term(delta(other, SUMMED), *rest, over=[SUMMED])
    assert contract_term(before) == before


def test_a_rule_is_not_applied_at_a_computed_index() -> None:
    """y = exp(x) holds within the axis alone: outside, y is 0 and exp(x) is 1."""
    unfold = Rule("unfold", term(ref("y", SUMMED)), Expr.of([term(Function("exp", term(ref("x", SUMMED))))]), "")
    assert unfold.apply(term(ref("y", index("w2", "w")))) is not None
    assert unfold.apply(term(ref("y", WINDOW))) is None


def test_computed_indices_do_not_nest() -> None:
    """x[a[...]] and x[2*(2*i)] lose the zero outside the inner axis: an error, not another index."""
    for inner in (WINDOW, Gather("label", (PLACE,), Axis("o"))):
        with pytest.raises(DefinitionError, match="would depend on a computed index"):
            rename_slot(WINDOW, {PLACE: inner})


def test_the_derivative_of_a_function_of_windows_is_right() -> None:
    """The sum of exp over padded windows has the gradient that SymPy finds, zeros outside included."""
    options = {"parameters": [STRIDE, Parameter("padding", 0, 0, 2, integer=True)]}
    derivation = derive(
        program((y[o], Sum(exp(x[stride * o + a - padding]) * k[a], a)), inputs=[x[w], k[a]], **options)
    )
    found = expand(derivation, {"w": 4, "a": 3, "stride": 2, "padding": 1})
    for entry, gradient in zip(found.inputs["x"], found.gradients["x"], strict=True):
        wanted = sum(g * value.diff(entry) for g, value in zip(found.grad_output, found.output, strict=True))
        assert (gradient - wanted).expand() == 0


def test_mutants_change_strides_and_offsets() -> None:
    """Every computed index has a mutant with another multiple or another offset."""
    import random

    kinds = {
        mutant.kind: mutant.expression
        for mutant in mutants(Expr.of([term(ref("g", WINDOW))]), random.Random(0), (PLACE, INNER))
    }
    (changed,) = kinds["other stride or offset"].terms
    assert value(changed, (PLACE, INNER)) != value(term(ref("g", WINDOW)), (PLACE, INNER))


def test_random_points_have_windows_strides_and_padding() -> None:
    """Over the draws every integer parameter has several values, and a rest that no window reaches occurs."""
    read_program = read(conv1d)
    found = [drawn(read_program, number) for number in range(8)]
    for name in ("stride", "padding", "groups"):
        assert len({integers[name] for _, integers in found}) > 1
    assert all(sizes[Axis("o")] >= 1 for sizes, _ in found)
    rests = []
    for sizes, integers in found:
        room = sizes[Axis("w")] + 2 * integers["padding"] - integers["dilation"] * (sizes[Axis("a")] - 1) - 1
        rests.append(room % integers["stride"])
    assert any(rests)
    assert sizes[Axis("groups", parameter=True)] == integers["groups"]


def test_a_scale_is_a_number_times_parameters() -> None:
    """Scales are shown without their sign, and multiply what they hold."""
    shown = map(str, (Scale(1), Scale(-2), Scale(-1, ("s",)), Scale(3, ("s", "t"))))
    assert [*shown] == ["1", "2", "s", "3*s*t"]
    assert Scale(3, ("s", "t")).value({"s": 2, "t": 5}) == 30
    assert Fraction(Scale(-2).value({})) == -2
