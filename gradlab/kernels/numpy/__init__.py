"""Generated NumPy kernels, one module per operation; written by `gradlab derive`."""
