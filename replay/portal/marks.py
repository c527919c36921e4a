"""What the page of a collection says of it to programs: Dublin Core in `meta` (Zotero reads that), schema.org as JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from archiver.collections.catalogue import Said
from archiver.collections.descriptions import ELEMENTS
from archiver.model import Collection
from archiver.plaintext import one_line
from replay.portal.numbers import Numbers

#: Fields that are elements under another name.
_NAMED = {"topic": "subject"}


def dublin_core(
    collection: Collection, said: Sequence[Said], numbers: Numbers, address: str, instance: str
) -> list[tuple[str, str]]:
    """Names and values of `meta`: what is said of the collection, each once.

    Args:
        collection: what it is about.
        said: of it in public.
        numbers: that the reader may know.
        address: of its page, whole.
        instance: name of the archive.
    """
    found = [("title", collection.title)]
    found += [("creator", collection.organisation.name)] if collection.organisation else []
    found += [("description", collection.description)] if collection.description else []
    found += [(_NAMED.get(one.field, one.field), one.value) for one in said]
    found += [("publisher", instance), ("type", "Collection"), ("identifier", address)]
    if not any(field == "date" for field, _ in found) and (span := period(numbers)):
        found.append(("date", span))
    return [(f"DC.{field}", value) for field, value in dict.fromkeys(found) if field in ELEMENTS]


def period(numbers: Numbers) -> str:
    """From the first capture to the last, as ISO 8601 has it; "" when there is none."""
    if not numbers.first:
        return ""
    first, last = (f"{moment[:4]}-{moment[4:6]}-{moment[6:8]}" for moment in (numbers.first, numbers.last))
    return first if first == last else f"{first}/{last}"


def json_ld(
    collection: Collection, said: Sequence[Said], numbers: Numbers, address: str, picture: str, home: tuple[str, str]
) -> str:
    """The same in the words of schema.org, fit to stand in a `script` element.

    Args:
        collection: what it is about.
        said: of it in public.
        numbers: that the reader may know.
        address: of its page, whole.
        picture: address of its picture, or "".
        home: name and address of the archive.
    """
    values: dict[str, list[str]] = {}
    for one in said:
        values.setdefault(_NAMED.get(one.field, one.field), []).append(one.value)
    organisation = collection.organisation
    creators = [{"@type": "Organization", "name": name} for name in values.get("creator", ())]
    if organisation:
        own = {"@type": "Organization", "name": organisation.name, "url": organisation.url}
        creators.insert(0, {name: value for name, value in own.items() if value})
    found: dict[str, object] = {
        "@context": "https://schema.org",
        "@type": "Collection",
        "@id": address,
        "url": address,
        "name": collection.title,
        "description": [collection.description, *values.get("description", ())]
        if collection.description
        else values.get("description"),
        "creator": creators,
        "contributor": values.get("contributor"),
        "publisher": values.get("publisher"),
        "keywords": values.get("subject"),
        "inLanguage": values.get("language"),
        "spatialCoverage": values.get("coverage"),
        "usageInfo": values.get("rights"),
        "temporalCoverage": period(numbers),
        "collectionSize": numbers.captures or None,
        "image": picture,
        "isPartOf": {"@type": "WebSite", "name": home[0], "url": home[1]},
    }
    text = json.dumps({name: value for name, value in found.items() if value}, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def opensearch(title: str, help_: str, base: str, slug: str) -> str:
    """An OpenSearch description, so that a browser can search here (OpenSearch 1.1).

    Args:
        title: of the collection and archive.
        help_: what is searched.
        base: address of the archive, with its slash.
        slug: of the collection, or "all".
    """
    template = f"{base}{slug}/?q={{searchTerms}}&page={{startPage?}}"
    return "\n".join(
        (
            '<?xml version="1.0" encoding="utf-8"?>',
            '<OpenSearchDescription xmlns="http://a9.com/-/spec/opensearch/1.1/">',
            f"<ShortName>{_text(title[:16])}</ShortName>",
            f"<LongName>{_text(title[:48])}</LongName>",
            f"<Description>{_text(help_[:1024])}</Description>",
            f'<Image height="16" width="16" type="image/svg+xml">{_text(base)}-/static/icon.svg</Image>',
            f'<Url type="text/html" pageOffset="1" template={quoteattr(template)}/>',
            "<InputEncoding>UTF-8</InputEncoding>",
            "</OpenSearchDescription>",
            "",
        )
    )


def _text(value: str) -> str:
    return escape(one_line(value).replace("\ufffe", "").replace("\uffff", ""))
