"""One blueprint a subject."""
