"""Training on CIFAR-10 with gradlab's verified layers: `python -m demos.mlp`, `demos.cnn` and `demos.grid`."""
