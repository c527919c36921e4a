"""WACZ packages: web archives in a ZIP file."""
