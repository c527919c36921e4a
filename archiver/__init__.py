"""Captures web pages into WARC files and keeps the holdings."""
