"""Dimensions that follow from others: generated cases have them right, and every stratum of sizes still occurs."""

from collections import Counter

import pytest

from gradlab.errors import SignatureError
from gradlab.operation import Extent, Parameter
from gradlab.registry import operation
from gradlab.verify.plan import round_of_plans
from gradlab.verify.registered import legal_values, specification_of


def plans(name):
    """Four rounds of cases."""
    specification = specification_of(operation(name))
    return specification, [plan for seed in range(4) for plan in round_of_plans(specification, (seed, 0))]


def test_an_extent_is_integer_arithmetic():
    """Sums, differences, products and whole quotients of sizes and parameters, and nothing else."""
    extent = Extent("o", "(h + 2 * padding - dilation * (a - 1) - 1) // stride + 1")
    names = {"h": 7, "a": 3, "padding": 1, "dilation": 2, "stride": 2}
    assert extent.value(names) == (7 + 2 - 4 - 1) // 2 + 1
    with pytest.raises(SignatureError, match=r"extent of o: cannot evaluate .* \('h'\)"):
        extent.value({"a": 3})
    with pytest.raises(SignatureError, match="is no integer arithmetic"):
        Extent("o", "__import__('os').getpid()").value({})


def test_integer_parameters_take_whole_numbers():
    """Bounds and default are integers, and so are the values that are drawn."""
    assert legal_values(Parameter("stride", 1, 1, 4, integer=True)) == (1, 4, 2)
    with pytest.raises(SignatureError, match=r"\(1, 1, 2.5\) are not all whole numbers"):
        Parameter("stride", 1, 1, 2.5, integer=True)


@pytest.mark.parametrize("name", ["conv1d", "conv2d", "avg_pool2d", "max_pool2d"])
def test_every_case_has_a_window(name):
    """All dimensions of the output are at least 1, whatever is drawn; packed channels are groups times their parts."""
    specification, found = plans(name)
    for plan in found:
        sizes = specification.completed(plan.sizes, plan.params)
        assert all(sizes[extent.dim] >= 1 for extent in specification.extents)
        if "groups" in plan.params:
            channels_in, channels_out = plan.shapes[0][1], plan.shapes[1][0]
            assert channels_in == plan.params["groups"] * plan.shapes[1][1]
            assert channels_out % plan.params["groups"] == 0


def test_the_cases_of_a_convolution_are_varied():
    """Several windows, rests that no window reaches, every stride, empty batches and large images occur."""
    specification, found = plans("conv2d")
    windows = Counter(specification.completed(plan.sizes, plan.params)["o"] for plan in found)
    assert len(windows) >= 3
    assert {plan.params["stride_h"] for plan in found} == {1, 2, 3}
    assert {plan.params["groups"] for plan in found} == {1, 2, 3}
    assert any(plan.sizes["n"] == 0 for plan in found)
    assert any(max(plan.shapes[0]) > 16 for plan in found)
    rests = set()
    for plan in found:
        params, sizes = plan.params, plan.sizes
        for place, size, kernel in (("h", sizes["h"], sizes["a"]), ("w", sizes["w"], sizes["b"])):
            room = size + 2 * params[f"padding_{place}"] - params[f"dilation_{place}"] * (kernel - 1) - 1
            rests.add(room % params[f"stride_{place}"])
    assert rests == {0, 1, 2}
