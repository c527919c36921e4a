"""How an archived page is cited, in the forms that people are asked for. Pure: values in, text out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from urllib.parse import urlsplit

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
#: As MLA shortens them.
_SHORT = ("Jan.", "Feb.", "Mar.", "Apr.", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec.")
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cited:
    """What is cited.

    Attributes:
        title: of the page; its URL where it has none.
        url: as archived.
        captured_at: UTC.
        address: of the capture in this archive, absolute.
        archive: name of this archive.
        collection: title, or "".
        seen_on: the day on which it is cited.
    """

    title: str
    url: str
    captured_at: datetime
    address: str
    archive: str
    collection: str
    seen_on: date

    @property
    def site(self) -> str:
        """The host of the page, without "www."."""
        try:
            host = urlsplit(self.url).hostname or ""
        except ValueError:
            host = ""
        return host.removeprefix("www.") or self.url


def citations(cited: Cited) -> list[tuple[str, str]]:
    """Every form: its name and the text."""
    return [
        ("APA", apa(cited)),
        ("MLA", mla(cited)),
        ("Chicago", chicago(cited)),
        ("BibTeX", bibtex(cited)),
        ("Wikipedia", wikipedia(cited)),
        ("PWID", pwid(cited)),
        ("Robust Link", robust_link(cited)),
    ]


def apa(cited: Cited) -> str:
    """APA, 7th edition: a work without a named author begins with its title."""
    day = cited.captured_at
    keeper = f"{cited.archive}, {cited.collection}" if cited.collection else cited.archive
    return f"{_sentence(cited.title)} ({day.year}, {_MONTHS[day.month - 1]} {day.day}). {cited.site}. {keeper}. {cited.address}"


def mla(cited: Cited) -> str:
    """MLA, 9th edition: the archive is the second container."""
    day, seen = cited.captured_at, cited.seen_on
    return (
        f"“{_sentence(cited.title)}” {cited.site}, {day.day} {_SHORT[day.month - 1]} {day.year}. {cited.archive}, "
        f"{cited.address}. Accessed {seen.day} {_SHORT[seen.month - 1]} {seen.year}."
    )


def chicago(cited: Cited) -> str:
    """Chicago, 17th edition, in notes and bibliography."""
    day = cited.captured_at
    return (
        f"“{_sentence(cited.title)}” {cited.site}. Archived {_MONTHS[day.month - 1]} {day.day}, {day.year}, at "
        f"{day:%H:%M:%S} UTC, by {cited.archive}. {cited.address}."
    )


def bibtex(cited: Cited) -> str:
    """An entry that every style of BibTeX knows."""
    day = cited.captured_at
    key = re.sub(r"[^a-z0-9]+", "", cited.site.lower()) or "page"
    note = f"Archived {day:%Y-%m-%d %H:%M:%S} UTC by {cited.archive}; original: {cited.url}"
    fields = {
        "title": f"{{{_tex(cited.title)}}}",
        "year": str(day.year),
        "month": f"{_MONTHS[day.month - 1][:3].lower()}",
        "howpublished": f"\\url{{{_tex_url(cited.address)}}}",
        "note": f"{{{_tex(note)}}}",
    }
    body = ",\n".join(f"  {name} = {text if name == 'month' else '{' + text + '}'}" for name, text in fields.items())
    return f"@misc{{{key}{day:%Y%m%d},\n{body}\n}}"


def wikipedia(cited: Cited) -> str:
    """The template of the English Wikipedia."""
    return (
        f"{{{{cite web |url={_template(cited.url)} |title={_template(cited.title)} |website={cited.site} "
        f"|archive-url={_template(cited.address)} |archive-date={cited.captured_at:%Y-%m-%d} "
        f"|access-date={cited.seen_on:%Y-%m-%d} |url-status=live}}}}"
    )


def pwid(cited: Cited) -> str:
    """A persistent web identifier: which archive, when, and what, wherever the archive moves to."""
    try:
        archive = urlsplit(cited.address).hostname or "archive"
    except ValueError:
        archive = "archive"
    return f"urn:pwid:{archive}:{cited.captured_at:%Y-%m-%dT%H:%M:%SZ}:page:{cited.url}"


def robust_link(cited: Cited) -> str:
    """A link that says what it was and when (robustlinks.mementoweb.org), for pages of one's own."""
    return (
        f'<a href="{escape(cited.address)}" data-originalurl="{escape(cited.url)}" '
        f'data-versiondate="{cited.captured_at:%Y-%m-%dT%H:%M:%SZ}">{escape(cited.title)}</a>'
    )


def _sentence(title: str) -> str:
    return title if title.endswith((".", "?", "!", "。", "？", "！")) else f"{title}."


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in text)


def _tex_url(url: str) -> str:
    """What \\url takes as it is, but for what would end it."""
    return url.replace("\\", "%5C").replace("{", "%7B").replace("}", "%7D").replace("%", "\\%")


def _template(text: str) -> str:
    """Text that does not end a template's field."""
    return (
        text.replace("|", "%7C" if text.startswith("http") else "&#124;")
        .replace("}}", "&#125;&#125;")
        .replace("{{", "&#123;&#123;")
    )
