"""How a foreign forward and backward become a `Subject`: one file per calling convention."""
