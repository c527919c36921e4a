"""What a reader is told of a capture that rules of access keep from him: 451 (RFC 7725), or 410 when it was deleted."""

from __future__ import annotations

from flask import Response, make_response, render_template, request

from archiver.collections.access import Rule
from archiver.settings import Settings
from replay import running
from replay.absent import absent_part


def status_of(rule: Rule) -> int:
    """The status that says why something is not shown."""
    return 410 if rule.deletion == "purged" else 451


def refused(rule: Rule, url: str, modifier: str = "", destination: str = "") -> Response:
    """The answer: a page with what the rule has to say, or a body of its own kind for a part of a page.

    Args:
        rule: that decides, from `Lookup.blocked`.
        url: that was asked for.
        modifier: of the address.
        destination: Sec-Fetch-Dest of the request.
    """
    settings = running.settings()
    status = status_of(rule)
    part = absent_part(modifier, destination)
    if part is not None:
        answer = Response(part[1], status, content_type=part[0])
    else:
        answer = make_response(render_template("refused.html", rule=rule, url=url, is_withdrawn=status == 410), status)
    answer.headers["Cache-Control"] = "private, no-store"  # tomorrow, or to another reader, it may be shown
    if status == 451:
        answer.headers["Link"] = blocked_by(settings, request.host_url)
    return answer


def blocked_by(settings: Settings, home: str) -> str:
    """Who keeps it from the reader (RFC 7725, section 4).

    Args:
        settings: know the archive's home page.
        home: of this site, where that has none.
    """
    return f'<{settings.instance_url or home}>; rel="blocked-by"'
