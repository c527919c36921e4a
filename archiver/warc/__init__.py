"""Byte-exact WARC records: written, read, repaired."""
