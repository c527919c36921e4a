"""Organisations, collections, crawls and pages."""
