"""The statements of the frontier that change or read single rows, each compiled once."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, case, delete, func, select, update

from archiver.index.crawltables import (
    crawl_files,
    crawl_frontier,
    crawl_hosts,
    crawl_queues,
    crawl_seeds,
    crawl_urls,
    crawl_workers,
)

_VIA = crawl_urls.alias("via")
_ENTRIES = (
    select(
        crawl_urls.c.id,
        crawl_urls.c.url,
        crawl_urls.c.seed_id,
        crawl_urls.c.hops,
        crawl_urls.c.slot,
        crawl_urls.c.kind,
        crawl_urls.c.verdict,
        crawl_urls.c.detail,
        crawl_urls.c.attempts,
        crawl_frontier.c.queue_id,
        crawl_frontier.c.priority,
        crawl_urls.c.host_id,
        crawl_hosts.c.host,
        _VIA.c.url,
        func.coalesce(_VIA.c.digest, ""),
    )
    .select_from(crawl_frontier)
    .join(crawl_urls, crawl_urls.c.id == crawl_frontier.c.url_id)
    .join(crawl_hosts, crawl_hosts.c.id == crawl_urls.c.host_id)
    .outerjoin(_VIA, _VIA.c.id == crawl_urls.c.via_id)
)
#: The first entries of a queue.
ENTRIES = (
    _ENTRIES.where(crawl_frontier.c.queue_id == bindparam("queue"))
    .order_by(crawl_frontier.c.priority, crawl_frontier.c.url_id)
    .limit(bindparam("count"))
)
#: The same between two priorities.
ENTRIES_BETWEEN = (
    _ENTRIES.where(
        crawl_frontier.c.queue_id == bindparam("queue"),
        crawl_frontier.c.priority >= bindparam("low"),
        crawl_frontier.c.priority < bindparam("high"),
    )
    .order_by(crawl_frontier.c.priority, crawl_frontier.c.url_id)
    .limit(bindparam("count"))
)
#: One waiting URL by its hash, wherever it stands in its host's queues, and where the record of its last attempt is.
ENTRY_ANYWHERE = (
    _ENTRIES.add_columns(crawl_urls.c.file, crawl_urls.c.offset)
    .join(crawl_queues, crawl_queues.c.id == crawl_frontier.c.queue_id)
    .where(
        crawl_urls.c.crawl_id == bindparam("crawl"),
        crawl_urls.c.hash == bindparam("number"),
        crawl_urls.c.state == 0,
        crawl_queues.c.host_id == crawl_urls.c.host_id,
    )
    .limit(1)
)
#: The same, when its priority is one of these: no queue is read for it.
ENTRY_OF_HASH = ENTRY_ANYWHERE.where(crawl_frontier.c.priority.in_(bindparam("ranks", expanding=True)))
#: Hops of a waiting URL by its hash.
HOPS_OF_HASH = select(crawl_urls.c.hops).where(
    crawl_urls.c.crawl_id == bindparam("crawl"), crawl_urls.c.hash == bindparam("number"), crawl_urls.c.state == 0
)

_URL = crawl_urls.c
UPDATE_URL = (
    update(crawl_urls)
    .where(_URL.id == bindparam("which"))
    .values(
        state=bindparam("new_state"),
        attempts=_URL.attempts + bindparam("tried"),
        status=bindparam("answer"),
        mime=bindparam("kind_of_data"),
        length=bindparam("size"),
        is_new=bindparam("fresh"),
        digest=bindparam("payload"),
        failure=bindparam("what_failed"),
        reason=bindparam("why"),
        timestamp=bindparam("moment"),
        file=bindparam("in_file"),
        offset=bindparam("at"),
    )
)
#: What is to be known of a URL that is queued again, see `Intake.requeue`.
REQUEUED_COLUMNS = (
    _URL.id, _URL.host_id, _URL.seed_id, _URL.hash, _URL.state, _URL.hops, _URL.mime, _URL.status, _URL.length, _URL.is_new,
    _URL.kind,
)  # fmt: skip
REQUEUE_URL = update(crawl_urls).where(_URL.id == bindparam("which")).values(state=0, attempts=0, failure=None, reason=None)
UPDATE_VERDICT = (
    update(crawl_urls)
    .where(_URL.id == bindparam("which"))
    .values(verdict=func.coalesce(bindparam("new_verdict"), _URL.verdict), detail=bindparam("new_detail"))
)
_PLACE = and_(
    crawl_frontier.c.queue_id == bindparam("queue"),
    crawl_frontier.c.priority == bindparam("rank"),
    crawl_frontier.c.url_id == bindparam("url"),
)
DELETE_ENTRY = delete(crawl_frontier).where(_PLACE)
MOVE_ENTRY = update(crawl_frontier).where(_PLACE).values(priority=bindparam("later"))

_QUEUE = crawl_queues.c
_THIS_QUEUE = _QUEUE.id == bindparam("queue")
ADD_PENDING = update(crawl_queues).where(_THIS_QUEUE).values(pending=_QUEUE.pending + bindparam("more"))
REVIVE_FOR_REQUISITES = update(crawl_queues).where(_THIS_QUEUE, _QUEUE.retired == "pages").values(retired="", retired_reason="")
_EARLIEST = case((_QUEUE.not_before > bindparam("now"), _QUEUE.not_before), else_=bindparam("now"))
WAKE = (
    update(crawl_queues)
    .where(_THIS_QUEUE, _QUEUE.worker_id.is_(None), _QUEUE.ready_at.is_(None), _QUEUE.retired == "")
    .values(ready_at=_EARLIEST)
)
UPDATE_QUEUE = (
    update(crawl_queues)
    .where(_THIS_QUEUE)
    .values(
        pace=bindparam("state"),
        not_before=bindparam("rest"),
        waits_for=bindparam("why"),
        retired=bindparam("code"),
        retired_reason=bindparam("because"),
    )
)
_READY = case((and_(_QUEUE.pending > 0, _QUEUE.retired == ""), _QUEUE.not_before), else_=None)
RELEASE = update(crawl_queues).where(_THIS_QUEUE).values(worker_id=None, ready_at=_READY)
RELEASE_ALL = update(crawl_queues).where(_QUEUE.worker_id == bindparam("worker")).values(worker_id=None, ready_at=_READY)
TAKE = update(crawl_queues).where(_THIS_QUEUE).values(worker_id=bindparam("me"), ready_at=None)
_IS_READY = and_(_QUEUE.crawl_id == bindparam("crawl"), _QUEUE.ready_at <= bindparam("now"))
#: How many queues are ready that no worker holds, counted so far.
READY = select(func.count()).select_from(select(_QUEUE.id).where(_IS_READY).limit(bindparam("count")).subquery())
#: Whether one is, and whether another worker holds any.
NEWS = select(
    select(_QUEUE.id).where(_IS_READY).exists(),
    select(_QUEUE.id)
    .join(crawl_workers, crawl_workers.c.id == _QUEUE.worker_id)
    .where(crawl_workers.c.crawl_id == bindparam("crawl"), crawl_workers.c.id != bindparam("me"))
    .exists(),
)
#: Everything in one queue moves into another one.
FOLD_ENTRIES = update(crawl_frontier).where(crawl_frontier.c.queue_id == bindparam("queue")).values(queue_id=bindparam("other"))
EMPTY_QUEUE = update(crawl_queues).where(_THIS_QUEUE).values(worker_id=None, ready_at=None, pending=0)
ADD_REDIRECT = (
    update(crawl_seeds)
    .where(crawl_seeds.c.id == bindparam("seed"))
    .values(
        redirects=case(
            (crawl_seeds.c.redirects == "", bindparam("target")), else_=crawl_seeds.c.redirects + "\n" + bindparam("target")
        )
    )
)
_FILE = crawl_files.c
COMMIT_FILE = (
    update(crawl_files).where(_FILE.name == bindparam("file")).values(committed=bindparam("end"), finished=bindparam("done"))
)
