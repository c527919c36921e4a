"""The banner over an archived page: values in, markup out.

It lives in a shadow root below an element with inline `all: initial`, so that no style of the page reaches it, and needs
no script: `hide` closes a native dialog, the lightbox is made of popovers. The script only remembers what was hidden, adds
keys to the lightbox, and moves the banner to the end of `head`, shown as if it stood before `body`: there the layouts of the
page do not bend it, and scripts that take over a whole document with everything in it (React's hydration) let it be. What
the page removes or changes of it comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from replay.i18n import WORDS, Words, direction, long_time


@dataclass(frozen=True, slots=True)
class TrackLink:
    """A text that goes with an audio or video; `url`: replay address, `kind` and `language` as in HTML, `label`: for people."""

    url: str
    kind: str
    language: str
    label: str


@dataclass(frozen=True, slots=True)
class MediaLink:
    """An archived audio or video of the page.

    Attributes:
        url: replay address.
        kind: "audio" or "video".
        title: or "".
        poster: replay address of a picture, or "".
        mime: or "".
        tracks: archived texts that go with it.
        name: of the file when it is downloaded; "" when it cannot be, because only a part of it is held.
        size: of the file, for people; "" when nobody knows without reading it.
        duration: how long it plays, as clocks write it; "" when nobody says.
    """

    url: str
    kind: str
    title: str = ""
    poster: str = ""
    mime: str = ""
    tracks: Sequence[TrackLink] = ()
    name: str = ""
    size: str = ""
    duration: str = ""


@dataclass(frozen=True, slots=True)
class BannerFacts:
    """What the banner says.

    Attributes:
        organisation: who collects; "" when nobody said.
        organisation_url: its page, or "".
        instance: name of this archive.
        instance_url: its page.
        collection: title; "" when all collections are looked at.
        collection_url: its page.
        versions_url: all versions of this page.
        captured_at: the record's own time, UTC.
        language: one of `replay.i18n.LANGUAGES`.
        media: archived audio and video of the page.
        asked_for: what is not held and what this page stands in for; "" when it is the page itself.
        ways: what follows `/-/about` in the address of the page about this capture; "" for none.
    """

    organisation: str
    organisation_url: str
    instance: str
    instance_url: str
    collection: str
    collection_url: str
    versions_url: str
    captured_at: datetime
    language: str = "en"
    media: Sequence[MediaLink] = ()
    asked_for: str = ""
    ways: str = ""


def _asset(name: str) -> str:
    """A file beside this one, without comments and indentation."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip() and not line.strip().startswith("//"))


_STYLE = _asset("banner.css")
_SCRIPT = _asset("banner.js")


def render_banner(facts: BannerFacts) -> str:
    """The banner's markup, ASCII, for the start of the body."""
    words = WORDS[facts.language]
    dialog = (
        f'<dialog open class="b" aria-label="{escape(words.label)}" lang="{facts.language}" '
        f'dir="{direction(facts.language)}"><form method="dialog"><button>{escape(words.hide)}</button></form>'
        f"<p style='all:unset'>{_sentence(facts, words)}</p>{_note(facts, words)}{_opener(facts, words)}{_more(facts, words)}</dialog>"
    )
    tab = f'<button class="s" type="button" hidden>{escape(words.show)}</button>'
    lightbox = "".join(_item(facts, words, number) for number in range(len(facts.media)))
    markup = (
        '<muniment-banner style="all:initial!important;display:block!important;position:relative!important;'
        'z-index:2147483643!important;visibility:visible!important;opacity:1!important"><template shadowrootmode="open">'
        f"<style>{_STYLE}</style>{dialog}{tab}{lightbox}</template></muniment-banner><script>{_SCRIPT}</script>"
    )
    return markup.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _sentence(facts: BannerFacts, words: Words) -> str:
    shown = long_time(facts.captured_at, facts.language)
    text, _, versions = (words.sentence if facts.collection else words.sentence_all).partition("|")
    return text.format(
        organisation=_link(facts.organisation_url, facts.organisation or words.nobody),
        instance=_link(facts.instance_url, facts.instance),
        time=f'<time datetime="{facts.captured_at:%Y-%m-%dT%H:%M:%SZ}">{shown}</time>',
        collection=_link(facts.collection_url, facts.collection),
        versions=_link(facts.versions_url, versions),
    )


def _note(facts: BannerFacts, words: Words) -> str:
    """That the page stands in for another."""
    if not facts.asked_for:
        return ""
    shown = words.stands_in.format(url=f"<bdi>{escape(facts.asked_for)}</bdi>")
    return f'<p class="w" role="note">{shown}</p>'


def _more(facts: BannerFacts, words: Words) -> str:
    """What unfolds: the captures before and after, how many there are, and all about this one. Nothing is asked for before."""
    if not facts.ways:
        return ""

    def way(name: str) -> str:
        return escape(f"/-/{name}{facts.ways}")

    links = (("earlier", words.earlier), ("later", words.later), ("about", words.about))
    shown = " ".join(f'<a href="{way(name)}" target="_top">{escape(text)}</a>' for name, text in links)
    drawing = f'<img src="{way("sparkline")}" loading="lazy" alt="">'
    picture = f'<a href="{escape(facts.versions_url)}" target="_top">{drawing}</a>'
    return f'<details class="d"><summary>{escape(words.more)}</summary><p>{picture} {shown}</p></details>'


def _link(url: str, text: str) -> str:
    shown = f"<bdi>{escape(text)}</bdi>"
    return f'<a href="{escape(url)}" target="_top">{shown}</a>' if url else shown


def _opener(facts: BannerFacts, words: Words) -> str:
    if not facts.media:
        return ""
    return f' <button class="m" type="button" popovertarget="m1">{escape(words.media)} ({len(facts.media)})</button>'


def _item(facts: BannerFacts, words: Words, index: int) -> str:
    """One page of the lightbox. Each opens above the one before, so that without a script "previous" just closes it."""
    media = facts.media[index]
    number, count = index + 1, len(facts.media)
    title = media.title or media.url.rsplit("/", 1)[-1]
    # an audio has no place to show a picture or texts in; a video that has only sound does
    player = "video" if media.poster or media.tracks else media.kind
    shown = f' poster="{escape(media.poster)}"' if media.poster else ""
    if media.tracks:
        shown += ' crossorigin="anonymous"'  # pages in a sandbox have no origin, and texts are taken from one's own only
    length = f"<bdi>{escape(media.duration)}</bdi> · " if media.duration else ""
    tracks = "".join(
        f'<track src="{escape(track.url)}" kind="{escape(track.kind)}" srclang="{escape(track.language)}" '
        f'label="{escape(track.label)}">'
        for track in media.tracks
    )
    before = _button("p", f"m{number}", "hide", words.previous, "&lt;") if index else ""
    after = _button("n", f"m{number + 1}", "show", words.next, "&gt;") if number < count else ""
    return (
        f'<div class="l" id="m{number}" popover role="dialog" aria-modal="true" aria-label="{escape(words.media)}" '
        f'lang="{facts.language}" dir="{direction(facts.language)}">{before}'
        f"{_button('x', 'm1', 'hide', words.close, '&times;')}"
        f'<figure><{player} controls preload="none" src="{escape(media.url)}"{shown}>{tracks}</{player}>'
        f"<figcaption><bdi>{escape(title)}</bdi><br>{length}<span>{number} / {count}</span>{_file(media, words)}"
        f"</figcaption></figure>{after}</div>"
    )


def _file(media: MediaLink, words: Words) -> str:
    """The way to have the file, with its name, type and size."""
    if not media.name:
        return ""
    facts = " · ".join(f"<bdi>{escape(fact)}</bdi>" for fact in (media.name, media.mime, media.size) if fact)
    return (
        f'<br><a href="{escape(media.url)}" download="{escape(media.name)}">{escape(words.download)}</a> <span>({facts})</span>'
    )


def _button(name: str, target: str, action: str, label: str, sign: str) -> str:
    return (
        f'<button class="{name}" type="button" popovertarget="{target}" popovertargetaction="{action}" '
        f'aria-label="{escape(label)}" title="{escape(label)}">{sign}</button>'
    )
