"""The capture index: what is held, and where."""
