"""Scanners that find the URL slots of a document with their kind and exact span."""
