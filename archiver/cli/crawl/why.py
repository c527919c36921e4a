"""`muniment crawl why`: the story of one URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver.cli.common import (
    archive_option,
    collection_option,
    counted,
    human_size,
    json_option,
    print_json,
    replay_address,
    settings_from,
)
from archiver.cli.crawl.output import lines
from archiver.cli.crawl.which import number_argument
from archiver.crawl.decision import Decision, explain
from archiver.plaintext import one_line

if TYPE_CHECKING:
    from archiver.collections.reports import CrawlSummary
    from archiver.collections.stories import Story
    from archiver.holdings import Holdings
    from archiver.model import Capture
    from archiver.settings import Settings


@click.command(short_help="The story of one URL.")
@click.argument("url")
@number_argument
@collection_option
@archive_option
@json_option
def why(url: str, number: int | None, collection: str | None, archive: object, as_json: bool) -> int:
    """Tell the story of a URL: how it was found, why it was taken or refused, and what came of it.

    In each crawl of the collection, newest first, or in the one of that ID. When no crawl met it, tells what the newest
    would have decided.
    """
    from archiver.collections.reports import CrawlReports
    from archiver.collections.stories import Stories, spellings, would_decide
    from archiver.holdings import open_holdings

    settings = settings_from(collection=collection, archive=archive)
    with open_holdings(settings) as holdings:
        reports = CrawlReports(holdings.engine)
        if number is not None:
            crawls = [reports.find(number, collection)]
        else:
            slug = holdings.collections.get(holdings.settings.collection).slug
            crawls = reports.crawls(slug) or [reports.find(None, slug)]
        asked = spellings(url)
        stories: list[Story] = []
        for spelling in asked:
            if stories := Stories(holdings.engine).of(spelling, crawls):
                break
        if as_json:
            told = [_as_json(settings, story) for story in stories]
            print_json(told or [_unmet_json(crawls[0], asked[0], would_decide(holdings.engine, asked[0], crawls[0].number))])
        elif stories:
            if stories[0].url.url != asked[0]:
                click.echo(f"{asked[0]} was not met; this is the story of {stories[0].url.url}\n")
            for place, story in enumerate(stories):
                if place:
                    click.echo()
                _tell(settings, story)
        else:
            _tell_unmet(holdings, asked[0], crawls[0])
    return 0 if stories else 1


def _tell(settings: Settings, story: Story) -> None:
    """A story for people."""
    crawl, row = story.crawl, story.url
    click.echo(
        f"{row.url}\nin crawl {crawl.number} of “{crawl.collection}”, begun {crawl.started_at[:19].replace('T', ' ')} UTC"
    )
    state = "left for now" if story.queue_note else row.state_name.replace("-", " ")
    record = f"{row.file}, offset {row.offset:,}" if row.file is not None and row.offset is not None else ""
    address = replay_address(settings, crawl.collection, row.timestamp, row.url) if row.timestamp and record else ""
    lines([
        ("State", f"{state}: {story.queue_note}" if story.queue_note else state),
        ("Found on", _found_on(story)),
        ("By", row.kind if len(story.way) > 1 else ""),
        ("Changed", f"{row.modified}, as that page says" if row.modified else ""),
        ("Way", story.hop_words),
        ("Taken" if story.taken else "Refused", story.decision),
        ("Attempts", row.attempts or ""),
        ("Status", row.status),
        ("Type", row.mime),
        ("Received", human_size(row.length) if row.length else ""),
        ("Failure", row.reason or row.failure),
        ("Captured", _time(row.timestamp) if record else ""),
        ("Content", ("new" if row.new else "held before (revisit)") if record else ""),
        ("Digest", row.digest),
        ("Record", record),
        ("See it", address),
    ])  # fmt: skip
    if len(story.way) > 2:
        click.echo("The way back to the seed")
        for place, step in enumerate(story.way):
            click.echo(f"  {step.url}" + (f"  ({step.kind})" if step.kind and place else ""))
            if place == 0 and story.skipped:
                click.echo(f"  … {counted(story.skipped, 'page')} in between …")


def _found_on(story: Story) -> str:
    if len(story.way) > 1:
        return story.way[-2].url
    if story.url.hops:
        return "nothing: it is asked for before anything else"  # robots.txt
    return "nothing: it is where the crawl began"


def _tell_unmet(holdings: Holdings, url: str, crawl: CrawlSummary) -> None:
    """A URL that no crawl met: what is held of it all the same, and what would have been decided."""
    from archiver.collections.stories import would_decide
    from archiver.urls import urlkey

    click.echo(f"{url} was never met: no page that was read links to it.")
    held: list[Capture] = list(holdings.index.versions([crawl.collection], urlkey(url)))
    if held:
        click.echo(
            f"The collection holds {counted(len(held), 'capture')} of it from elsewhere; the newest: "
            f"{replay_address(holdings.settings, crawl.collection, held[-1].timestamp, held[-1].url)}"
        )
    decision = would_decide(holdings.engine, url, crawl.number)
    fate = "taken" if decision.taken else "refused"
    click.echo(f"Had a seed linked to it, crawl {crawl.number} would have {fate} it. {one_line(explain(decision))}")


def _time(stamp: str | None) -> str:
    if stamp is None:
        return ""
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} {stamp[8:10]}:{stamp[10:12]}:{stamp[12:]} UTC"


def _as_json(settings: Settings, story: Story) -> dict[str, object]:
    crawl, row = story.crawl, story.url
    held = row.timestamp is not None and row.file is not None
    return {
        "crawl": crawl.number,
        "collection": crawl.collection,
        "url": row.url,
        "state": row.state_name,
        "verdict": row.verdict,
        "detail": row.detail,
        "decision": story.decision,
        "seed": story.seed,
        "hops": row.hops,
        "way": [{"url": step.url, "found_by": step.kind} for step in story.way],
        "attempts": row.attempts,
        "status": row.status,
        "mime": row.mime,
        "bytes": row.length,
        "new": row.new if held else None,
        "digest": row.digest or None,
        "failure": row.failure,
        "reason": row.reason,
        "timestamp": row.timestamp,
        "file": row.file,
        "offset": row.offset,
        "address": replay_address(settings, crawl.collection, row.timestamp or "", row.url) if held else None,
    }


def _unmet_json(crawl: CrawlSummary, url: str, decision: Decision) -> dict[str, object]:
    return {
        "crawl": crawl.number,
        "collection": crawl.collection,
        "url": url,
        "state": None,
        "would_be_taken": decision.taken,
        "verdict": decision.verdict.value,
        "detail": decision.detail,
        "decision": explain(decision),
    }
