"""Takes what other programs wrote into a collection: one module a format."""
