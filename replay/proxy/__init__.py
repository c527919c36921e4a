"""Replay through an HTTP proxy, unrewritten."""
