"""Looks up, rewrites and shows archived pages."""
