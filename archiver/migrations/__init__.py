"""Database migrations, run by archiver.index.database."""
