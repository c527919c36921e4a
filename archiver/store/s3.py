"""Files in a bucket that speaks S3, through s3fs: read by range in one request, sent with checksums, compared afterwards."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, BinaryIO

from archiver.errors import DamagedRecord, MissingRecord, StorageFailed
from archiver.store.faults import NOT_THERE, Fault, failure, fault_of
from archiver.store.remote import Part, Stat
from archiver.store.sums import Sums, plain_md5, sums_of

#: Parts of one file that are on their way at a time; each is in memory.
_PARTS_AT_A_TIME = 4
#: How long to wait, in seconds, for a connection and for the next bytes of an answer.
_CONNECT_TIMEOUT = 5
_READ_TIMEOUT = 30
_CONNECTIONS = 32
_PIECE = 1024 * 1024
#: What the keys and the service depend on.
_ENVIRONMENT = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_REGION",
)
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)")
_MISSING = MissingRecord(*NOT_THERE)

_filesystems: dict[tuple[object, ...], Any] = {}
_lock = Lock()


def _filesystem(endpoint: str, anonymous: bool) -> Any:
    """The one connection pool of this process for an endpoint; made anew after a fork, and for other keys."""
    place = (os.getpid(), endpoint, anonymous, *((name, os.environ.get(name)) for name in _ENVIRONMENT))
    with _lock:
        if place not in _filesystems:
            try:
                from s3fs import S3FileSystem
            except ImportError as error:
                raise failure(error) from error

            fs = S3FileSystem(
                anon=anonymous,
                endpoint_url=endpoint or None,
                skip_instance_cache=True,
                use_listings_cache=False,
                config_kwargs={
                    "connect_timeout": _CONNECT_TIMEOUT,
                    "read_timeout": _READ_TIMEOUT,
                    "max_pool_connections": _CONNECTIONS,
                    "retries": {"mode": "standard", "total_max_attempts": 2},
                    # What is sent has its MD5; newer checksums are not understood by every server.
                    "request_checksum_calculation": "when_required",
                    "response_checksum_validation": "when_required",
                },
            )
            fs.retries = 1  # botocore tries again
            _filesystems[place] = fs
        return _filesystems[place]


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """Files under a prefix of a bucket; see `Remote`.

    Attributes:
        bucket: its name.
        prefix: of all keys, without a slash at its end; may be empty.
        endpoint: URL of the service; empty for the one that the environment names, or Amazon's.
        anonymous: ask without keys, as public buckets allow.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    anonymous: bool = False

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self, key: str, start: int, end: int, version: str = "") -> Part:
        given = {"IfMatch": version} if version else {}
        for attempt in (1, 2):
            try:
                return self._sync(_read, self.bucket, self._path(key), start, end, given)  # type: ignore[no-any-return]
            except Exception as error:
                fault = fault_of(error)
                if fault is Fault.PAST_END:
                    return Part(b"", _total_of(error), version)
                if fault is Fault.CHANGED:
                    raise DamagedRecord("A WARC file was replaced while it was read.", "Try again.") from error
                if attempt == 1 and fault is Fault.UNREACHABLE and "Payload" in type(error).__name__:
                    continue  # the answer broke off
                raise _translated(error, fault) from error
        raise AssertionError

    def stat(self, key: str) -> Stat:
        head = self._head(key)
        return Stat(int(head["ContentLength"]), head.get("ETag", ""))

    def keys(self) -> Iterator[str]:
        begin = f"{self.prefix}/" if self.prefix else ""
        token: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=begin, **token)
            for item in page.get("Contents", ()):
                key = item["Key"].removeprefix(begin)
                if key and not key.endswith("/"):
                    yield key
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def check(self) -> None:
        self._call("list_objects_v2", Prefix=self.prefix, MaxKeys=1)

    # -- keeping -----------------------------------------------------------------------------------------------------

    def put(self, key: str, source: BinaryIO) -> None:
        sums = sums_of(source)
        if sums.size <= sums.part_size:
            source.seek(0)
            data = source.read(sums.size)
            self._call("put_object", Key=self._path(key), Body=data, ContentMD5=_md5(data), **_told(sums))
        else:
            self._put_parts(self._path(key), source, sums)
        if not self._is(key, sums, self._head(key)):
            raise StorageFailed("An uploaded WARC file is not what was sent.", "Look at the log of the object storage.")

    def holds(self, key: str, source: BinaryIO) -> bool:
        head = self._head(key)
        return self._is(key, sums_of(source), head)

    def delete(self, key: str) -> None:
        try:
            self._call("delete_object", Key=self._path(key))
        except MissingRecord:
            pass

    def _is(self, key: str, sums: Sums, head: dict[str, Any]) -> bool:
        """What is kept under a key has those sums: by the checksums that are told of it, else by reading it."""
        if int(head["ContentLength"]) != sums.size:
            return False
        etag = str(head.get("ETag", "")).strip('"')
        told = head.get("Metadata", {}).get("sha256", "")
        if etag == sums.etag or told == sums.sha256:
            return True
        is_plain = plain_md5(etag) and not head.get("ServerSideEncryption", "").startswith("aws:kms")
        if told or (is_plain and sums.size <= sums.part_size and not head.get("SSECustomerAlgorithm")):
            return False
        sha256 = hashlib.sha256()
        at = 0
        while at < sums.size and (data := self.read(key, at, at + 8 * _PIECE).data):
            sha256.update(data)
            at += len(data)
        return sha256.hexdigest() == sums.sha256

    def _put_parts(self, path: str, source: BinaryIO, sums: Sums) -> None:
        self._abort_old(path)
        upload = self._call("create_multipart_upload", Key=path, **_told(sums))["UploadId"]
        try:
            tags = self._send_parts(path, upload, source, sums)
            parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
            self._call("complete_multipart_upload", Key=path, UploadId=upload, MultipartUpload={"Parts": parts})
        except BaseException:
            try:
                self._call("abort_multipart_upload", Key=path, UploadId=upload)
            except (StorageFailed, MissingRecord):
                pass  # the next try does it
            raise

    def _send_parts(self, path: str, upload: str, source: BinaryIO, sums: Sums) -> list[str]:
        def send(number: int, data: bytes) -> str:
            call = {"Key": path, "UploadId": upload, "PartNumber": number}
            return str(self._call("upload_part", **call, Body=data, ContentMD5=_md5(data))["ETag"])

        source.seek(0)
        tags: list[str] = []
        waiting: deque[Future[str]] = deque()
        with ThreadPoolExecutor(_PARTS_AT_A_TIME, "upload-part") as pool:
            try:
                for number in range(1, len(sums.parts) + 1):
                    if len(waiting) >= _PARTS_AT_A_TIME:
                        tags.append(waiting.popleft().result())
                    waiting.append(pool.submit(send, number, source.read(sums.part_size)))
                tags += [one.result() for one in waiting]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return tags

    def _abort_old(self, path: str) -> None:
        """Give up what a killed process had begun to send of this file: it is paid for, and of no use."""
        try:
            for upload in self._call("list_multipart_uploads", Prefix=path).get("Uploads", ()):
                if upload["Key"] == path:
                    self._call("abort_multipart_upload", Key=path, UploadId=upload["UploadId"])
        except (StorageFailed, MissingRecord):
            pass  # not every server or key may list them

    # -- asking ------------------------------------------------------------------------------------------------------

    def _path(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _head(self, key: str) -> dict[str, Any]:
        try:
            return self._call("head_object", Key=self._path(key))
        except (MissingRecord, StorageFailed):
            self.read(key, 0, 1)  # such an answer has no body that says why; this one has
            raise

    def _call(self, method: str, **given: Any) -> dict[str, Any]:
        try:
            return dict(_filesystem(self.endpoint, self.anonymous).call_s3(method, Bucket=self.bucket, **given))
        except Exception as error:
            raise _translated(error, fault_of(error)) from error

    def _sync(self, function: Any, *given: Any) -> Any:
        from fsspec.asyn import sync

        fs = _filesystem(self.endpoint, self.anonymous)
        return sync(fs.loop, function, fs, *given)


async def _read(fs: Any, bucket: str, path: str, start: int, end: int, given: dict[str, str]) -> Part:
    reply = await fs._call_s3("get_object", Bucket=bucket, Key=path, Range=f"bytes={start}-{end - 1}", **given)
    body = reply["Body"]
    try:
        found = _CONTENT_RANGE.fullmatch(reply.get("ContentRange", ""))
        if (start and found is None) or (found is not None and int(found[1] or -1) != start):
            raise OSError("another part was given")
        pieces, left = [], end - start
        while left and (piece := await body.read(left)):
            pieces.append(piece)
            left -= len(piece)
        total = int(found[3]) if found else int(reply["ContentLength"])
        if len(data := b"".join(pieces)) < min(end, total) - start:
            raise ConnectionResetError("the answer broke off")
        return Part(data, total, reply.get("ETag", ""))
    finally:
        body.close()


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _told(sums: Sums) -> dict[str, Any]:
    """What is said of a file when it is sent."""
    return {"ContentType": "application/warc", "Metadata": {"sha256": sums.sha256}}


def _total_of(error: BaseException) -> int | None:
    for one in (error, error.__cause__):
        answer = getattr(one, "response", None)
        if isinstance(answer, dict):
            headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            found = _CONTENT_RANGE.fullmatch(str(headers.get("content-range", "")))
            return int(found[3]) if found else None
    return None


def _translated(error: Exception, fault: Fault) -> MissingRecord | StorageFailed:
    if isinstance(error, MissingRecord | StorageFailed):
        return error
    return MissingRecord(_MISSING.message, _MISSING.advice) if fault is Fault.MISSING else failure(error)
