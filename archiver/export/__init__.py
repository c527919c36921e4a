"""Captures out of an archive: which ones, their records with all that belongs to them, in the forms that others read."""
