"""Side-by-side measurements of gradlab against its rivals; each prints one table and writes JSON beside it."""
