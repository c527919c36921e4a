"""`muniment serve`: the archive in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli.common import archive_option, say_repaired, settings_from

if TYPE_CHECKING:
    from archiver.settings import Settings
    from replay.proxy.server import ProxyFacts


@click.command()
@archive_option
@click.option("--port", type=int, help="Port of the reader.  [default: 8080]")
@click.option("--workbench-port", type=int, help="Port of the workbench, always on loopback.  [default: 8081]")
@click.option("--host", help="Address the reader and the proxy listen on.  [default: 127.0.0.1]")
@click.option("--workers", type=int, metavar="N", help="Processes of the reader.  [default: 1]")
@click.option(
    "--proxy", "proxy_port", type=int, metavar="PORT", help="Port of an HTTP proxy that replays unrewritten.  [default: none]"
)
@click.option(
    "--proxy-collection", metavar="NAME", help="Shown to clients of the proxy that name none; '' to ask each.  [default: all]"
)
@click.option("--proxy-time", metavar="TIME", help="Shown likewise, 1 to 14 digits.  [default: the newest]")
@click.option("--allow-private", is_flag=True, default=None, help="Let captures from the workbench reach private addresses.")
def serve(**options: object) -> None:
    """Show the archive in a browser (the reader), and capture from there (the workbench).

    With --proxy, a browser that uses this address as its proxy for http and https sees pages as they were captured, none
    of their bytes rewritten. Open http://muniment.proxy/ there to choose the collection and the time; programs choose by
    their user name, such as unesco@20160810204623. For https, the browser has to trust the authority that is printed.
    """
    from replay.serve import serve as run

    settings = settings_from(**options)
    proxy = _proxy(settings) if settings.proxy_port else None
    host = f"[{settings.host}]" if ":" in settings.host else settings.host

    def ready() -> Settings:
        from archiver.accounts import AccountRegistry
        from archiver.holdings import open_holdings, utc_now

        with open_holdings(settings) as holdings:  # a fault of the archive is told here, in one sentence
            say_repaired(holdings)
            key = AccountRegistry(holdings.engine, utc_now).begin()
            now = holdings.settings
        click.echo(f"Reader:    http://{host}:{settings.port}/")
        workbench = f"http://127.0.0.1:{settings.workbench_port}/"
        click.echo(f"Workbench: {workbench}" if key is None else f"Workbench: {workbench}begin?key={key}")
        if key is not None:
            click.echo("           Open this address to make the first account; it is good until then.")
        if proxy is not None:
            shown = "what each client asks for"
            if proxy.choice is not None:
                shown = f"“{proxy.choice.collection}” at {proxy.choice.timestamp or 'its newest'}"
            click.echo(f"Proxy:     http://{host}:{settings.proxy_port}/ shows {shown}")
            click.echo(f"Authority: {proxy.certificate}")
            click.echo(f"           SHA-256 {proxy.fingerprint}")
        click.echo("Press Ctrl-C to stop.")
        return now

    run(settings, ready=ready)


def _proxy(settings: Settings) -> ProxyFacts:
    from replay.proxy.server import prepare

    return prepare(settings)
