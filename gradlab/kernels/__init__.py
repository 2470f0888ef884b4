"""Generated and committed kernels: do not edit, run `gradlab derive`."""
