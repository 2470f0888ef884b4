"""The derivation engine: definitions, adjoints, rewrite rules, proofs. The only importer of SymPy."""
