"""Full-text search over what was captured."""
