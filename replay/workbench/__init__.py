"""The archivist's application."""
