"""What a reader chose in a list: which things, in what order, which page; and the addresses that choose otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from archiver.collections.catalogue import Said

#: Values of a facet that are offered at once, and on opening it; statements that can be chosen together.
_FIRST_VALUES = 6
_MOST_VALUES = 60
_MOST_CHOSEN = 10
#: Fields that tell things apart rather than bring them together.
NO_FACETS = ("title", "description", "identifier", "source", "relation", "rights", "date")
#: Facets that are offered also where each value is of one thing only; facets that come first, in this order; fields of
#: one's own follow by name.
_ALWAYS = ("topic", "subject")
_FIRST_FACETS = ("topic", "subject", "creator", "publisher", "contributor", "coverage", "language", "type", "format")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    Attributes:
        fields: statements that have to be there, written `f=field:value`.
        group: of seeds.
        organisation: slug.
        order: name of an order; "" for the first.
        page: from 1.
    """

    fields: tuple[Said, ...] = ()
    group: str = ""
    organisation: str = ""
    order: str = ""
    page: int = 1

    @property
    def is_narrow(self) -> bool:
        """Something is left out of the list."""
        return bool(self.fields or self.group or self.organisation)

    def address(self, path: str) -> str:
        """Where this choice leads, from a list's own path."""
        query = [("f", f"{said.field}:{said.value}") for said in self.fields]
        query += [(name, value) for name, value in (("group", self.group), ("organisation", self.organisation)) if value]
        query += [("sort", self.order)] if self.order else []
        query += [("page", str(self.page))] if self.page > 1 else []
        return f"{path}?{urlencode(query)}" if query else path


def read_choice(query: Iterable[tuple[str, str]], orders: Sequence[str]) -> Choice:
    """A choice out of an address. What cannot be is passed over.

    Args:
        query: names and values.
        orders: that there are.
    """
    fields: list[Said] = []
    last: dict[str, str] = {}
    for name, value in query:
        field, colon, wanted = value.partition(":")
        if name == "f" and colon and field and wanted and Said(field, wanted) not in fields:
            fields.append(Said(field, wanted))
        last[name] = value
    order = last.get("sort", "")
    return Choice(
        tuple(fields[:_MOST_CHOSEN]),
        last.get("group", ""),
        last.get("organisation", ""),
        order if order in orders else "",
        read_page(last.get("page", "")),
    )


def read_page(text: str) -> int:
    """The number of a page, 1 for what is none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


@dataclass(frozen=True, slots=True)
class Link:
    """A text and where it leads; `count`: how many things are there; `is_chosen`: it is what is shown."""

    text: str
    address: str
    count: int = 0
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """One way to choose: a field ("group" and "organisation" are no fields), its values, and those that are folded away."""

    field: str
    values: tuple[Link, ...]
    more: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Pager:
    """Where in a list of pages one is; addresses are "" where there is none."""

    number: int
    pages: int
    previous: str
    next: str


def pager(path: str, choice: Choice, total: int, size: int) -> Pager:
    """The pages of a list.

    Args:
        path: of the list.
        choice: the page that was asked for is brought to where there is one.
        total: things in the list.
        size: things on a page.
    """
    pages = max(1, -(-total // size))
    number = min(choice.page, pages)
    return Pager(
        number,
        pages,
        replace(choice, page=number - 1).address(path) if number > 1 else "",
        replace(choice, page=number + 1).address(path) if number < pages else "",
    )


def facets(path: str, choice: Choice, found: Mapping[str, Counter[str]], total: int) -> list[Facet]:
    """Ways to choose among the things of a list: what divides them.

    Args:
        path: of the list.
        choice: what is chosen already.
        found: field → value → things of which it is said.
        total: things in the list.
    """
    offered = []
    for field in sorted(found, key=_place):
        open_ = [
            Link(value, replace(choice, fields=(*choice.fields, Said(field, value)), page=1).address(path), count)
            for value, count in by_count(found[field])
            if count < total and Said(field, value) not in choice.fields
        ]
        if open_ and (field in _ALWAYS or any(link.count > 1 for link in open_)):
            offered.append(folded_facet(field, open_))
    return offered


def folded_facet(field: str, values: Sequence[Link]) -> Facet:
    """A facet of which the first values are shown; one more than these is shown, too."""
    first = _FIRST_VALUES if len(values) > _FIRST_VALUES + 1 else len(values)
    return Facet(field, tuple(values[:first]), tuple(values[first:_MOST_VALUES]))


def by_count(values: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent first, equals by name."""
    return sorted(values.items(), key=lambda item: (-item[1], item[0].casefold()))


def _place(field: str) -> tuple[int, str]:
    return (_FIRST_FACETS.index(field) if field in _FIRST_FACETS else len(_FIRST_FACETS), field.casefold())


def chips(path: str, choice: Choice, named: Mapping[str, str]) -> list[Link]:
    """What is chosen, each leading to the list without it; `named`: organisation → its name."""
    found = [
        Link(said.value, replace(choice, fields=tuple(item for item in choice.fields if item != said), page=1).address(path))
        for said in choice.fields
    ]
    if choice.group:
        found.append(Link(choice.group, replace(choice, group="", page=1).address(path)))
    if choice.organisation:
        name = named.get(choice.organisation, choice.organisation)
        found.append(Link(name, replace(choice, organisation="", page=1).address(path)))
    return found
