"""The reader's languages."""

from __future__ import annotations

import string
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from flask import Flask

from replay.i18n import LANGUAGES, WORDS, direction, long_time
from replay.proxy.words import PROXY_WORDS
from replay.searchwords import SEARCH_WORDS
from replay.views.language import moment, number, reader_language, size
from replay.words import PAGE_WORDS

#: Of languages with letters of their own: every text has some, so none was left in English.
_LETTERS = {"ar": ("\u0600", "\u06ff"), "zh": ("\u4e00", "\u9fff"), "ru": ("\u0400", "\u04ff")}
MOMENT = datetime(2016, 8, 10, 20, 46, 23, tzinfo=UTC)


def markers(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_and_has_its_markers(language: str) -> None:
    for table in (WORDS, PAGE_WORDS, PROXY_WORDS, SEARCH_WORDS):
        for field in fields(table["en"]):  # type: ignore[arg-type]
            english, text = (getattr(table[name], field.name) for name in ("en", language))
            assert text.strip()
            assert markers(text) == markers(english), field.name
            if language in _LETTERS:
                first, last = _LETTERS[language]
                assert any(first <= letter <= last for letter in text), field.name


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "20:46:23 Aug 10, 2016"),
        ("fr", "10 août 2016, 20:46:23"),
        ("es", "10 agosto 2016, 20:46:23"),
        ("ar", "10 أغسطس 2016، 20:46:23"),
        ("zh", "2016年8月10日 20:46:23"),
        ("ru", "10 августа 2016, 20:46:23"),
    ],
)
def test_capture_times_are_said_as_the_language_says_them(language: str, text: str) -> None:
    assert long_time(MOMENT, language) == text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fr", "fr"),
        ("fr-CA,en;q=0.5", "fr"),
        ("de, es;q=0.7, en;q=0.8", "en"),
        ("AR-eg", "ar"),
        ("zh-Hant-TW", "zh"),
        ("ru", "ru"),
        ("de", "en"),
        ("", "en"),
        ("*", "en"),
        ("fr;q=0, es", "es"),
        (",;;=q,\x01é", "en"),
        ("x" * 5000, "en"),
    ],
)
def test_the_language_is_the_readers(header: str, language: str) -> None:
    with Flask(__name__).test_request_context(environ_overrides={"HTTP_ACCEPT_LANGUAGE": header}):
        assert reader_language() == language


def test_numbers_times_and_sizes_follow_the_language() -> None:
    def said(language: str) -> tuple[str, ...]:
        with Flask(__name__).test_request_context(headers={"Accept-Language": language}):
            return number(12345), moment("20160810204623"), size(0), size(999), size(1500), size(2_340_000_000), size(9e15)

    assert said("en") == ("12,345", "10 Aug 2016, 20:46:23", "0 B", "999 B", "1.5 kB", "2.3 GB", "9,000,000.0 GB")
    assert said("es")[0] == "12.345"
    assert said("fr")[4] == "1,5 kB"


def test_arabic_runs_from_right_to_left() -> None:
    assert [direction(language) for language in LANGUAGES] == ["ltr", "ltr", "ltr", "rtl", "ltr", "ltr"]
