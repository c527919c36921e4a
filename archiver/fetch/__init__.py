"""Fetches a URL and records exactly what crossed the wire."""
