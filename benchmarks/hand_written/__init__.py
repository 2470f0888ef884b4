"""The best NumPy that we could write by hand for each operation, as rivals of the generated kernels.

Where no single form is fastest at all sizes there are several, and the benchmark takes the fastest at each size.
"""

from benchmarks.hand_written import attention, batch_norm, convolution, layers, losses, norms
from benchmarks.hand_written.rival import HandWritten

RIVALS: dict[str, tuple[HandWritten, ...]] = (
    layers.RIVALS | losses.RIVALS | batch_norm.RIVALS | norms.RIVALS | attention.RIVALS | convolution.RIVALS
)
