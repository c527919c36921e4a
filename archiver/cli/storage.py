"""`muniment storage`: where the WARC files are, and what of them is still on its way there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli.common import archive_option, counted, human_size, json_option, print_json, settings_from
from archiver.errors import StorageFailed

if TYPE_CHECKING:
    from archiver.store.protocol import WarcStore


@click.group()
def storage() -> None:
    """Show where WARC files are kept, and send on what waits."""


@storage.command()
@archive_option
@json_option
def status(archive: object, as_json: bool) -> int:
    """Whether the place of the WARC files answers, how many files it has, and which are still on this machine."""
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        found = _status(holdings.store)
    if as_json:
        print_json(found)
    else:
        _print(found)
    return 0 if found["reachable"] else 1


def _status(store: WarcStore) -> dict[str, object]:
    trouble, files = "", None
    try:
        store.check()
        files = sum(1 for _ in store.names())
    except StorageFailed as error:
        trouble = str(error)
    waiting = [{"file": name, "bytes": store.size(name)} for name, _ in store.waiting()]
    writing = [{"file": name, "bytes": store.size(name)} for name in store.unfinished()]
    return {
        "place": store.address,
        "reachable": not trouble,
        "trouble": trouble,
        "files": files,
        "waiting": waiting,
        "writing": writing,
    }


def _print(found: dict[str, object]) -> None:
    click.echo(f"WARC files are kept in {found['place']}")
    if found["trouble"]:
        click.echo(f"  {found['trouble']}")
    elif isinstance(found["files"], int):
        click.echo(f"  {counted(found['files'], 'file')}")
    for what, title in (("waiting", "not sent yet"), ("writing", "still written")):
        files = found[what]
        assert isinstance(files, list)
        for one in files:
            click.echo(f"  {title}: {one['file']}, {human_size(one['bytes'])}")


@storage.command()
@archive_option
def send(archive: object) -> int:
    """Send what is finished and still on this machine to where WARC files are kept, now."""
    from archiver.holdings import open_holdings

    with open_holdings(settings_from(archive=archive)) as holdings:
        sent = holdings.store.send_waiting()
        left = sum(1 for _ in holdings.store.waiting())
    click.echo(f"{counted(sent, 'file')} sent.")
    if left:
        click.echo(f"{counted(left, 'file')} left, which another process is sending.", err=True)
    return 0
