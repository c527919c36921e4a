"""Database migrations, run by archiver.database."""
