"""gradlab: derive gradients symbolically, verify any backward pass, train with verified layers."""
