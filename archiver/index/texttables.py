"""The texts of documents and the words in them: the one module that knows how each database searches for words.

SQLite has FTS5, PostgreSQL `tsvector`. Both are given words that `archiver.search.words` has told apart, and both hold the
words only: the text itself is in `page_texts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    event,
    text,
)

from archiver.index.tables import KEY, metadata

if TYPE_CHECKING:
    from archiver.search.words import Clause, Question

#: The texts of documents: one row for each different text of a URL. `first_timestamp` to `last_timestamp`: of the captures with
#: it, `captures` in number; `digest`: of the payload last seen with it; `text`: compressed (Zstandard).
page_texts = Table(
    "page_texts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id"), nullable=False),
    Column("urlkey", KEY, nullable=False),
    Column("text_hash", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("first_timestamp", BigInteger, nullable=False),
    Column("last_timestamp", BigInteger, nullable=False),
    Column("captures", Integer, nullable=False, server_default="1"),
    Column("mime", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("is_cut", Integer, nullable=False, server_default="0"),
    Column("text", LargeBinary, nullable=False),
)
Index("page_texts_of_url", page_texts.c.collection_id, page_texts.c.urlkey, page_texts.c.text_hash, unique=True)

#: Words have no table of their own in the metadata: one is a virtual table, the other has a type that only PostgreSQL knows.
#: Contentless, and without the help of SQLite 3.43: to delete a row its words must be told again.
SQLITE_WORDS = (
    "CREATE VIRTUAL TABLE page_words USING fts5(title, body, address, place, content='', tokenize='ascii', columnsize=1)",
)
POSTGRESQL_WORDS = (
    "CREATE TABLE page_words (id INTEGER PRIMARY KEY REFERENCES page_texts (id) ON DELETE CASCADE, words TSVECTOR NOT NULL)",
    "CREATE INDEX page_words_by_word ON page_words USING GIN (words)",
)


def _ddl(statement: str, dialect: str) -> Any:
    made: Any = DDL(statement)  # type: ignore[no-untyped-call]
    return made.execute_if(dialect=dialect)


for _statement in SQLITE_WORDS:
    event.listen(page_texts, "after_create", _ddl(_statement, "sqlite"))
for _statement in POSTGRESQL_WORDS:
    event.listen(page_texts, "after_create", _ddl(_statement, "postgresql"))

#: PostgreSQL keeps no positions beyond this one (16,383), and no more than a megabyte a document.
_MAX_POSITION = 16_383
_MAX_VECTOR = 1_000_000
_WEIGHTS = {"title": "A", "address": "B", "place": "C", "body": "D"}
_FTS_RANK = "bm25(page_words, 8.0, 1.0, 4.0, 0.0)"

Words = dict[str, Sequence[str]]


def add_words(connection: Connection, number: int, words: Words) -> None:
    """Make a row of `page_texts` findable.

    Args:
        connection: within a transaction.
        number: id of the row.
        words: of "title", "body", "address" and "place", in order.
    """
    if connection.dialect.name == "sqlite":
        connection.execute(
            text("INSERT INTO page_words (rowid, title, body, address, place) VALUES (:id, :title, :body, :address, :place)"),
            {"id": number} | _joined(words),
        )
        return
    connection.execute(
        text("INSERT INTO page_words (id, words) VALUES (:id, CAST(:words AS tsvector))"),
        {"id": number, "words": _vector(words)},
    )


def remove_words(connection: Connection, number: int, words: Words) -> None:
    """The reverse, before the row itself goes; `words` as they were added."""
    if connection.dialect.name == "sqlite":
        connection.execute(
            text(
                "INSERT INTO page_words (page_words, rowid, title, body, address, place) "
                "VALUES ('delete', :id, :title, :body, :address, :place)"
            ),
            {"id": number} | _joined(words),
        )
        return
    connection.execute(text("DELETE FROM page_words WHERE id = :id"), {"id": number})


def clear_words(connection: Connection) -> None:
    """Forget all words."""
    is_sqlite = connection.dialect.name == "sqlite"
    connection.execute(
        text("INSERT INTO page_words (page_words) VALUES ('delete-all')" if is_sqlite else "DELETE FROM page_words")
    )


def sweep_words(connection: Connection, pages: int) -> bool:
    """Write a part of the word index anew, so that words which were removed are not in its file any more; True: there is more.

    SQLite only marks them as removed until then.

    Args:
        connection: within a transaction.
        pages: how much of the index is written at a time; negative to begin.
    """
    if connection.dialect.name != "sqlite":
        return False
    changes = text("SELECT total_changes()")
    before = connection.execute(changes).scalar_one()
    connection.execute(text("INSERT INTO page_words (page_words, rank) VALUES ('merge', :pages)"), {"pages": pages})
    return bool(connection.execute(changes).scalar_one() - before > 1)


def matching(connection: Connection, question: Question, collections: Sequence[int], columns: str, most: int) -> list[Any]:
    """Rows that answer a question, unordered, each with its score (the higher the better) first.

    Args:
        connection: for reading.
        question: with something to look for.
        collections: ids; nothing of others is found.
        columns: of `page_texts`, separated by commas.
        most: how many rows are looked at.
    """
    names = ", ".join(f"page_texts.{name.strip()}" for name in columns.split(","))
    conditions, values = _filters(question)
    if connection.dialect.name == "sqlite":
        statement = (
            f"SELECT -{_FTS_RANK}, {names} FROM page_words JOIN page_texts ON page_texts.id = page_words.rowid "
            f"WHERE page_words MATCH :match{conditions} ORDER BY page_words.rowid DESC LIMIT :most"
        )
        values["match"] = _fts_query(question, collections)
    else:
        statement = (
            f"SELECT ts_rank_cd('{{0.1, 0.0, 0.5, 1.0}}', words, CAST(:match AS tsquery), 1), {names} "
            f"FROM page_words JOIN page_texts ON page_texts.id = page_words.id "
            f"WHERE words @@ CAST(:match AS tsquery){conditions} ORDER BY page_words.id DESC LIMIT :most"
        )
        values["match"] = _ts_query(question, collections)
    return list(connection.execute(text(statement), values | {"most": most}))


def _filters(question: Question) -> tuple[str, dict[str, Any]]:
    """Conditions on columns; those of collections and hosts are words."""
    conditions = ""
    values: dict[str, Any] = {}
    if question.mime:
        conditions += " AND page_texts.mime LIKE :mime ESCAPE '\\'"
        escaped = question.mime.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values["mime"] = f"%{escaped}%"
    if question.language:
        conditions += " AND page_texts.language = :language"
        values["language"] = question.language
    if question.year:
        conditions += " AND page_texts.first_timestamp <= :year_end AND page_texts.last_timestamp >= :year_start"
        values["year_start"] = int(question.year) * 10**10
        values["year_end"] = int(question.year) * 10**10 + 10**10 - 1
    return conditions, values


def _joined(words: Words) -> dict[str, str]:
    return {name: " ".join(words.get(name, ())) for name in _WEIGHTS}


def _fts_query(question: Question, collections: Sequence[int]) -> str:
    """A question in the language of FTS5; words are quoted, so nothing in them means anything."""
    from archiver.search.words import collection_word, host_word  # takes long to import, and captures need only the tables

    def clause(item: Clause) -> str:
        phrase = f'"{" ".join(item.words)}"' + ("*" if item.is_prefix else "")
        return f"{{{item.field or 'title body address'}}} : {phrase}"

    parts = ["(" + " OR ".join(map(clause, group)) + ")" for group in question.groups]
    parts.append("(" + " OR ".join(f'{{place}} : "{collection_word(number)}"' for number in collections) + ")")
    if question.host:
        parts.append(f'({{place}} : "{host_word(question.host)}")')
    wanted = " AND ".join(parts)
    unwanted = " OR ".join(map(clause, question.without))
    return f"({wanted}) NOT ({unwanted})" if unwanted else wanted


def _ts_query(question: Question, collections: Sequence[int]) -> str:
    """A question in the language of PostgreSQL, in which quoted words are taken as they are."""
    from archiver.search.words import collection_word, host_word

    def clause(item: Clause) -> str:
        weights = _WEIGHTS.get(item.field, "ABD")
        words = [f"{_quoted(word)}:{weights}" for word in item.words]
        if item.is_prefix:
            words[-1] = f"{_quoted(item.words[-1])}:*{weights}"
        return "(" + " <-> ".join(words) + ")"

    parts = ["(" + " | ".join(map(clause, group)) + ")" for group in question.groups]
    parts.append("(" + " | ".join(f"{_quoted(collection_word(number))}:C" for number in collections) + ")")
    if question.host:
        parts.append(f"{_quoted(host_word(question.host))}:C")
    parts += (f"!({clause(item)})" for item in question.without)
    return " & ".join(parts)


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _vector(words: Words) -> str:
    """Words as PostgreSQL writes a vector: places first, then titles and addresses, and of the text what there is room for."""
    out: list[str] = []
    size = position = 0
    for name in ("place", "title", "address", "body"):
        weight = _WEIGHTS[name]
        for word in words.get(name, ()):
            position += 1
            item = f"{_quoted(word)}:{min(position, _MAX_POSITION)}{weight}"
            size += len(item.encode())
            if size > _MAX_VECTOR:
                return " ".join(out)
            out.append(item)
        position += 1  # no phrase goes from one field to the next
    return " ".join(out)
