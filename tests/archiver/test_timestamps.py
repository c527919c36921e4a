"""Dates of 14 digits, WARC dates, HTTP dates."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from archiver.errors import InvalidTimestamp
from archiver.timestamps import (
    normalise_timestamp,
    parse_http_date,
    parse_iso,
    parse_timestamp,
    to_http_date,
    to_iso,
    to_timestamp,
)

MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("digits", "first", "last"),
    [
        ("2", "20000101000000", "29991231235959"),
        ("201", "20100101000000", "20191231235959"),
        ("2016", "20160101000000", "20161231235959"),
        ("20161", "20161001000000", "20161231235959"),
        ("201602", "20160201000000", "20160229235959"),
        ("201702", "20170201000000", "20170228235959"),
        ("2016081", "20160810000000", "20160819235959"),
        ("20160810", "20160810000000", "20160810235959"),
        ("2016081020", "20160810200000", "20160810205959"),
        ("20160810204", "20160810204000", "20160810204959"),
        ("20160810204623", "20160810204623", "20160810204623"),
        # What cannot be is moved to what can.
        ("20169931", "20161231000000", "20161231235959"),
        ("20160231", "20160229000000", "20160229235959"),
        ("20160100", "20160101000000", "20160101235959"),
        ("20160810996099", "20160810235959", "20160810235959"),
        ("00000000000000", "00010101000000", "00010101000000"),
        ("99991231235959", "99991231235959", "99991231235959"),
    ],
)
def test_short_digits_mean_the_start_or_the_end_of_their_period(digits: str, first: str, last: str) -> None:
    assert normalise_timestamp(digits) == first
    assert normalise_timestamp(digits, latest=True) == last
    assert to_timestamp(parse_timestamp(digits)) == first


@pytest.mark.parametrize("text", ["", "x", "2016-08", "201608102046231", "२०१६", "20 16", "-2016", "2016\n"])
def test_what_is_no_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimestamp):
        parse_timestamp(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2016-08-10T20:46:23Z", MOMENT),
        ("2016-08-10t20:46:23z", MOMENT),
        ("2016-08-10T20:46:23.123456789Z", MOMENT.replace(microsecond=123456)),
        ("2016-08-10T20:46:23,5Z", MOMENT.replace(microsecond=500000)),
        ("2016-08-10T22:46:23+02:00", MOMENT),
        ("2016-08-10T15:16:23-0530", MOMENT),
        ("2016-08-10T20:46:60Z", MOMENT.replace(second=59)),
        ("2016-08-10T20:46Z", MOMENT.replace(second=0)),
        ("2016-08-10", datetime(2016, 8, 10, tzinfo=UTC)),
        ("2016", datetime(2016, 1, 1, tzinfo=UTC)),
        (" 2016-08-10T20:46:23Z ", MOMENT),
    ],
)
def test_warc_dates_of_every_precision(text: str, moment: datetime) -> None:
    assert parse_iso(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2016-13-01",
        "2016-02-30",
        "2016-08-10T25:00Z",
        "20160810",
        "9999-12-31T23:59-99:99",
        "2016-08-10T20:46:23Zx",
    ],
)
def test_what_is_no_warc_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimestamp):
        parse_iso(text)


def test_dates_survive_being_written_and_read() -> None:
    moment = MOMENT.replace(microsecond=123456)
    assert to_iso(moment) == "2016-08-10T20:46:23.123456Z"
    assert to_iso(moment, 3) == "2016-08-10T20:46:23.123Z"
    assert to_iso(moment, 0) == "2016-08-10T20:46:23Z"
    assert parse_iso(to_iso(moment)) == moment
    assert to_iso(datetime(33, 1, 1, tzinfo=UTC), 0) == "0033-01-01T00:00:00Z"
    assert to_http_date(moment) == "Wed, 10 Aug 2016 20:46:23 GMT"
    assert parse_http_date(to_http_date(moment)) == MOMENT


@pytest.mark.parametrize(
    "text", ["Wed, 10 Aug 2016 20:46:23 GMT", "Wednesday, 10-Aug-16 20:46:23 GMT", "Wed Aug 10 20:46:23 2016"]
)
def test_the_three_forms_of_http_dates(text: str) -> None:
    assert parse_http_date(text) == MOMENT


@pytest.mark.parametrize("text", ["", "soon", "0", "Wed, 99 Aug 2016 20:46:23 GMT"])
def test_what_is_no_http_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidTimestamp):
        parse_http_date(text)
