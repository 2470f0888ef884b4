"""The linear layer, with the weight stored as torch stores it: one row per output feature."""

from sympy import Idx, IndexedBase, Sum, symbols

from gradlab.symbolic.definition import Definition, given, let

N, I, O = symbols("N I O", integer=True)
n, i, o = Idx("n", N), Idx("i", I), Idx("o", O)
x, weight, bias, z, y = map(IndexedBase, ("x", "weight", "bias", "z", "y"))

linear = Definition(
    name="linear",
    summary="The linear layer x @ weight.T + bias.",
    inputs=[given(x[n, i]), given(weight[o, i]), given(bias[o])],
    lets=[
        let(z[n, o], Sum(x[n, i] * weight[o, i], i)),
        let(y[n, o], z[n, o] + bias[o]),
    ],
    output=y[n, o],
    reference="torch.nn.functional.linear(x, weight, bias)",
)
