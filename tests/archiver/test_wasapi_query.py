"""What is asked of WASAPI, in all the forms in which clients write it; and what is refused, with a sentence."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from archiver.errors import UsageError
from archiver.wasapi.query import parse_query, whole_second


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2017", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2017-02", datetime(2017, 2, 1, tzinfo=UTC)),
        ("2017-02-03", datetime(2017, 2, 3, tzinfo=UTC)),
        ("2017-02-03T12:34:56", datetime(2017, 2, 3, 12, 34, 56, tzinfo=UTC)),
        ("2017-02-03T12:34", datetime(2017, 2, 3, 12, 34, tzinfo=UTC)),
        ("2017-02-03 12:34:56", datetime(2017, 2, 3, 12, 34, 56, tzinfo=UTC)),
        ("2017-02-03+12:34:56", datetime(2017, 2, 3, 12, 34, 56, tzinfo=UTC)),
        ("2017-02-03T12:34:56Z", datetime(2017, 2, 3, 12, 34, 56, tzinfo=UTC)),
        ("2017-02-03 12:34:56-0700", datetime(2017, 2, 3, 19, 34, 56, tzinfo=UTC)),
        ("2017-02-03T12:34:56%2B02:00", datetime(2017, 2, 3, 10, 34, 56, tzinfo=UTC)),
        ("2017-02-03T12:34:56+02:00", datetime(2017, 2, 3, 10, 34, 56, tzinfo=UTC)),  # "+" arrives as a space
        ("2017-02-03T12:34:56.25Z", datetime(2017, 2, 3, 12, 34, 56, 250_000, tzinfo=UTC)),
    ],
)
def test_dates_are_read_as_clients_write_them(written: str, meant: datetime) -> None:
    assert parse_query(f"crawl-time-after={written}").time("crawl-time-after") == meant


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("crawl-time-after=yesterday", "is not a date that crawl-time-after can be"),
        ("store-time-before=2017-13-01", "is not a date"),
        ("crawl-start-after=0000", "is not a date"),
        ("page=0", "cannot be the page"),
        ("page=-1", "cannot be the page"),
        ("page=%D9%A3", "cannot be the page"),  # a digit, but none of ours
        ("page=" + "9" * 5000, "cannot be the page"),
        ("page_size=2001", "cannot be the page_size"),
        ("page_size=ten", "from 1 to 2000"),
        ("crawl=abc", "cannot be the crawl"),
        ("filetype=zip", "There is no filetype"),
        ("filename=a&filename=b", "more than once"),
        ("filename=a%00b", "no file name has"),
        ("colection=x", "Did you mean “collection”?"),
        ("crawl-time=2017", "Did you mean “crawl-time-"),
        ("&".join("collection=x" for _ in range(1001)), "too many parameters"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(query: str, said: str) -> None:
    with pytest.raises(UsageError) as told:
        parse_query(query)
    assert said in str(told.value)


def test_a_query_is_written_so_that_it_is_read_again() -> None:
    text = (
        "filename=a*b%26c.warc.gz&filetype=warc&collection=one&collection=two&crawl=7&page=3&page_size=10"
        "&crawl-time-after=2017&crawl-time-before=2018-02-03T04:05:06.5-0100&store-time-after=2019-01"
    )
    query = parse_query(text)
    assert query.collections == ("one", "two") and query.filename == "a*b&c.warc.gz"
    assert parse_query(query.written()) == query
    assert parse_query("?" + query.at_page(4).written()).page == 4
    assert parse_query("").written() == "page=1"


def test_fractions_of_a_second_are_compared_with_whole_seconds_as_they_lie() -> None:
    moment = datetime(2017, 1, 1, 0, 0, 59, 1, tzinfo=UTC)
    assert whole_second(moment) == datetime(2017, 1, 1, 0, 1, tzinfo=UTC)
    assert whole_second(datetime.max.replace(tzinfo=UTC)).microsecond == 0
