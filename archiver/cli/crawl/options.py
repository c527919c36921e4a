"""The options of crawls, in the groups in which `--help` shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from archiver.cli.common import Command
from archiver.cli.crawl.units import DelayType, DurationType, SizeType
from archiver.crawl.plan import DedupMode, RobotsMode, ScopeKind

_COUNT = click.IntRange(min=0)
_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True)


class GroupedOption(click.Option):
    """An option that `--help` shows under a heading."""

    def __init__(self, *arguments: Any, heading: str = "", **values: Any) -> None:
        super().__init__(*arguments, **values)
        self.heading = heading

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Without the range of numbers: that no amount is negative need not be said."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class GroupedCommand(click.Command):
    """A command whose help shows its options under their headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """All options; those without a heading come last."""
        write_options(self.get_params(ctx), ctx, formatter)


def write_options(parameters: Sequence[click.Parameter], ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Options under their headings, in the order in which the headings first occur."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for parameter in parameters:
        record = parameter.get_help_record(ctx)
        if record is not None and not isinstance(parameter, click.Argument):
            groups.setdefault(getattr(parameter, "heading", ""), []).append(record)
    last = groups.pop("", [])
    for heading, rows in [*groups.items(), ("Other options", last)]:
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)


def _group(heading: str, *specs: tuple[tuple[str, ...], dict[str, Any]]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for names, values in reversed(specs):
            command = click.option(*names, cls=GroupedOption, heading=heading, **values)(command)
        return command

    return decorate


def _spec(*names: str, **values: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    return names, values


def _rule(name: str, help_text: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    return _spec(name, multiple=True, metavar="TEXT", help=help_text)


seed_options = _group(
    "Seeds",
    _spec(
        "--seeds-file",
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Take more seeds from a file, one a line. May be repeated.",
    ),
)

scope_options = _group(
    "What belongs to the crawl",
    _spec(
        "--scope",
        type=click.Choice([kind.value for kind in ScopeKind]),
        help="Which pages belong to a seed: the page alone, with the pages it links to, its directory, its host, its domain "
        "with all hosts below, any link (set --depth), or what --accept names.  [default: prefix]",
    ),
    _rule("--accept", "Take URLs that contain this, whatever the scope says. May be repeated, as all rules."),
    _rule("--block", "Refuse URLs that contain this; counts more than --accept."),
    _rule("--accept-regex", "Take URLs in which this regular expression is found."),
    _rule("--block-regex", "Refuse URLs in which this regular expression is found."),
    _rule("--accept-surt", "Take URLs whose SURT form begins so, such as org,example)/docs."),
    _rule("--block-surt", "Refuse URLs whose SURT form begins so."),
    _spec("--extra-hops", type=_COUNT, metavar="N", help="Follow links so many steps out of the scope.  [default: 0]"),
    _spec("--sitemaps/--no-sitemaps", default=None, help="Follow sitemaps.  [default: yes]"),
    _spec("--guesses/--no-guesses", default=None, help="Try what only looks like an address in scripts.  [default: yes]"),
)

rule_switches = _group(
    "What belongs to the crawl",
    _spec("--rule-off", type=int, multiple=True, metavar="NUMBER", help="Switch a rule off; it is kept."),
    _spec("--rule-on", type=int, multiple=True, metavar="NUMBER", help="Switch a rule on again."),
)

limit_options = _group(
    "Where it ends (0 for no limit)",
    _spec("--limit-pages", type=_COUNT, metavar="N", help="Pages, without what they need."),
    _spec("--limit-documents", type=_COUNT, metavar="N", help="URLs of every kind."),
    _spec("--limit-bytes", type=SizeType(), metavar="SIZE", help="Bytes in all, such as 500MB or 2GB."),
    _spec("--limit-time", type=DurationType(), metavar="TIME", help="Running time, such as 90 (seconds), 30m or 2h."),
    _spec("--depth", type=_COUNT, metavar="N", help="Links from the seed."),
    _spec("--limit-host-documents", type=_COUNT, metavar="N", help="URLs of one host."),
    _spec("--limit-host-bytes", type=SizeType(), metavar="SIZE", help="Bytes of one host."),
    _spec("--limit-resource-bytes", type=SizeType(), metavar="SIZE", help="Cut single resources at this size."),
    _spec("--keep-free", type=SizeType(), metavar="SIZE", help="Pause when the disk has less free space.  [default: 500MB]"),
)

pace_options = _group(
    "How servers are treated",
    _spec(
        "--delay",
        type=DelayType(),
        metavar="SECONDS",
        help="Wait so long between two requests to a host; 0 switches politeness off, auto waits by how fast the host is.  "
        "[default: auto]",
    ),
    _spec("--retries", type=_COUNT, metavar="N", help="Try again after failures that may pass.  [default: 3]"),
    _spec(
        "--robots",
        type=click.Choice([mode.value for mode in RobotsMode]),
        help="Obey robots.txt; obey it for pages but fetch what they need; or ignore it.  [default: obey]",
    ),
    _spec("--robots-meta/--no-robots-meta", default=None, help="Heed nofollow in pages and headers.  [default: no]"),
    _spec("--user-agent", metavar="TEXT", help="How the crawl introduces itself."),
    _spec("--contact", metavar="ADDRESS", help="Web or e-mail address for servers' operators, put into the user agent."),
)

trap_options = _group(
    "Endless sites",
    _spec("--traps/--no-traps", default=None, help="Guard against endless sites.  [default: yes]"),
    _spec(
        "--trap",
        multiple=True,
        metavar="NAME=VALUE",
        help="Change one guard, or switch it off: segment-repeats=3, query-repeats=3, path-segments=25, url-length=2083, "
        "query-variants=1000, calendar-years=5, session-ids=on, same-as-parent=on.",
    ),
)

dedup_options = _group(
    "What is kept",
    _spec(
        "--dedup",
        type=click.Choice([mode.value for mode in DedupMode]),
        help="Where to look for content that is held already, and kept once.  [default: collection, or the setting dedup]",
    ),
)

login_options = _group(
    "Login (secrets are read from files and never kept)",
    _spec("--cookies", type=_FILE, metavar="FILE", help="Cookies as browsers export them (Netscape format)."),
    _spec("--credentials", type=_FILE, metavar="FILE", help="User names and passwords for basic and digest login."),
    _spec("--headers", type=_FILE, metavar="FILE", help="Header lines to send."),
    _spec("--login-host", multiple=True, metavar="HOST", help="Show them to this host only.  [default: the seeds' hosts]"),
)

network_options = _group(
    "Network",
    _spec("--allow-private", is_flag=True, default=None, help="Let the crawl reach loopback and private addresses."),
    _spec("--insecure", is_flag=True, default=None, help="Accept servers with invalid certificates."),
)


workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    metavar="N",
    help="Processes that share the work.  [default: 1]",
)


def plan_options(command: Command) -> Command:
    """Every option of a new crawl's plan."""
    for decorate in (
        network_options, login_options, dedup_options, trap_options, pace_options, limit_options, scope_options,
    ):  # fmt: skip
        command = decorate(command)
    return command


def changeable_options(command: Command) -> Command:
    """The options of a plan that can be changed while a crawl runs."""
    for decorate in (dedup_options, trap_options, pace_options, limit_options, rule_switches, scope_options):
        command = decorate(command)
    return command
