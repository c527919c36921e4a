"""`muniment crawl` and its sub-commands."""
