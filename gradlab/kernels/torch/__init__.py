"""Generated torch kernels, one module per operation; written by `gradlab derive`."""
