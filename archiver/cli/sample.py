"""`make run` calls this: the sample collection, imported the first time."""

from __future__ import annotations

from pathlib import Path

import click

from archiver.cli.common import settings_from
from archiver.holdings import open_holdings
from archiver.warc.importer import import_file

SAMPLE = Path(__file__).parent.parent.parent / "warcs" / "sample.warc.gz"


def import_sample() -> None:
    """Import the sample into the collection “sample”, unless there is one already."""
    with open_holdings(settings_from()) as holdings:
        if any(collection.slug == "sample" for collection in holdings.collections.all()) or not SAMPLE.exists():
            return
        holdings.collections.create(
            "sample",
            title="The lighthouse sample",
            organisation="The Muniment project",
            description="A small site in five languages, captured with muniment capture.",
        )
        import_file(SAMPLE, collection="sample", store=holdings.store, index=holdings.index)
    click.echo("Imported the sample collection.")


if __name__ == "__main__":
    import_sample()
