"""Where WARC files live."""
