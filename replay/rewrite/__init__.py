"""Bytes in, bytes out: makes archived documents point into the archive."""
