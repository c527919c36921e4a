"""The commands of `muniment index`, one module each."""
