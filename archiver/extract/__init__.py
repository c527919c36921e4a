"""Page requisites, outlinks, page metadata and media inventory."""
