"""`muniment serve`: the archive in a browser."""

from __future__ import annotations

import click

from archiver.cli.common import archive_option, say_repaired, settings_from


@click.command()
@archive_option
@click.option("--port", type=int, help="Port of the reader.  [default: 8080]")
@click.option("--workbench-port", type=int, help="Port of the workbench, always on loopback.  [default: 8081]")
@click.option("--host", help="Address the reader listens on.  [default: 127.0.0.1]")
@click.option("--workers", type=int, metavar="N", help="Processes of the reader.  [default: 1]")
@click.option("--allow-private", is_flag=True, default=None, help="Let captures from the workbench reach private addresses.")
def serve(**options: object) -> None:
    """Show the archive in a browser (the reader), and capture from there (the workbench)."""
    from replay.serve import serve as run

    settings = settings_from(**options)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host

    def ready() -> None:
        from archiver.holdings import open_holdings

        with open_holdings(settings) as holdings:  # a fault of the archive is told here, in one sentence
            say_repaired(holdings)
        click.echo(f"Reader:    http://{host}:{settings.port}/")
        click.echo(f"Workbench: http://127.0.0.1:{settings.workbench_port}/")
        click.echo("Press Ctrl-C to stop.")

    run(settings, ready=ready)
