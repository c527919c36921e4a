"""What went wrong with object storage, told from any driver's exceptions, and what to say about it.

Nothing that is said names a bucket, an address or a key: it may end on a page that readers see.
"""

from __future__ import annotations

import errno
import re
from enum import StrEnum

from archiver.errors import StorageFailed


class Fault(StrEnum):
    """Kinds of failure."""

    MISSING = "missing"
    CHANGED = "changed"
    PAST_END = "past end"
    BUCKET = "bucket"
    NO_KEYS = "no keys"
    KEYS = "keys"
    CLOCK = "clock"
    REFUSED = "refused"
    REGION = "region"
    FULL = "full"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    DRIVER = "driver"
    OTHER = "other"


#: What nobody but its operator can mend: it is useless to begin with it.
LASTING = frozenset({Fault.BUCKET, Fault.NO_KEYS, Fault.KEYS, Fault.CLOCK, Fault.REGION, Fault.DRIVER})

#: Of files that the index names.
NOT_THERE = (
    "A WARC file that the index names is not in object storage.",
    "It may still be on the machine that writes it; else put it back, or rebuild the index.",
)

_SET_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys that are valid there."
_SENTENCES = {
    Fault.MISSING: ("There is no such file in object storage.", "Put it back, or rebuild the index."),
    Fault.CHANGED: ("A file in object storage changed while it was read.", "Try again."),
    Fault.PAST_END: ("A file in object storage ends before the part asked for.", "Rebuild the index."),
    Fault.BUCKET: ("The bucket in object storage does not exist.", "Create it, or correct the setting “store”."),
    Fault.NO_KEYS: ("There are no keys for the object storage.", _SET_KEYS),
    Fault.KEYS: ("The object storage does not accept the keys: they are unknown there, wrong or out of date.", _SET_KEYS),
    Fault.CLOCK: ("The clock of this machine is too far from that of the object storage.", "Set it right."),
    Fault.REFUSED: (
        "The object storage refuses this to the keys given.",
        "Let them list, read, write and delete in the bucket.",
    ),
    Fault.REGION: ("The bucket is in another region.", "Set AWS_REGION to the region of the bucket."),
    Fault.FULL: ("The object storage is full, or what may be stored there is used up.", "Make room there."),
    Fault.BUSY: ("The object storage is too busy, or has a fault.", "Try again later."),
    Fault.UNREACHABLE: (
        "The object storage cannot be reached.",
        "Look at the network and at the setting “s3_endpoint”.",
    ),
    Fault.DRIVER: ("The program for that kind of object storage is not installed.", "See docs/storage.md for what to install."),
    Fault.OTHER: ("The object storage gave an answer that cannot be used", "Look at its log."),
}

_CODES = {
    "NoSuchKey": Fault.MISSING,
    "NoSuchVersion": Fault.MISSING,
    "404": Fault.MISSING,
    "410": Fault.MISSING,
    "PreconditionFailed": Fault.CHANGED,
    "412": Fault.CHANGED,
    "InvalidRange": Fault.PAST_END,
    "416": Fault.PAST_END,
    "NoSuchBucket": Fault.BUCKET,
    "InvalidBucketName": Fault.BUCKET,
    "InvalidAccessKeyId": Fault.KEYS,
    "SignatureDoesNotMatch": Fault.KEYS,
    "ExpiredToken": Fault.KEYS,
    "InvalidToken": Fault.KEYS,
    "TokenRefreshRequired": Fault.KEYS,
    "RequestTimeTooSkewed": Fault.CLOCK,
    "AccessDenied": Fault.REFUSED,
    "AllAccessDisabled": Fault.REFUSED,
    "AccountProblem": Fault.REFUSED,
    "InvalidObjectState": Fault.REFUSED,
    "401": Fault.REFUSED,
    "403": Fault.REFUSED,
    "AuthorizationHeaderMalformed": Fault.REGION,
    "IllegalLocationConstraintException": Fault.REGION,
    "PermanentRedirect": Fault.REGION,
    "301": Fault.REGION,
    "QuotaExceeded": Fault.FULL,
    "InsufficientStorage": Fault.FULL,
    "XMinioStorageFull": Fault.FULL,
    "507": Fault.FULL,
    "SlowDown": Fault.BUSY,
    "ServiceUnavailable": Fault.BUSY,
    "InternalError": Fault.BUSY,
    "OperationAborted": Fault.BUSY,
    "RequestTimeout": Fault.BUSY,
    "429": Fault.BUSY,
    "500": Fault.BUSY,
    "502": Fault.BUSY,
    "503": Fault.BUSY,
    "504": Fault.BUSY,
}
_NO_KEYS_CLASSES = frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"})
_NETWORK_CLASSES = frozenset(
    {
        "HTTPClientError",  # of botocore
        "EndpointConnectionError",
        "ClientConnectionError",  # of aiohttp
        "ClientPayloadError",
        "FSTimeoutError",  # of fsspec
        "ServiceRequestError",  # of azure
        "HTTPError",  # of urllib3: no status, but a connection that failed
    }
)
_CODE = re.compile(r"[A-Za-z0-9]{1,40}")


def code_of(error: BaseException) -> str:
    """The storage's own code for an error, or its HTTP status; "" where it gave none."""
    for one in (error, error.__cause__):
        answer = getattr(one, "response", None)
        if isinstance(answer, dict):
            code = str(answer.get("Error", {}).get("Code", ""))
            return code or str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
        status = getattr(one, "status", None) or getattr(one, "status_code", None) or getattr(one, "code", None)
        if isinstance(status, int | str) and str(status).isdigit():
            return str(status)
    return ""


def fault_of(error: BaseException) -> Fault:
    """What an exception of a driver amounts to."""
    code = code_of(error)
    if code in _CODES:
        return _CODES[code]
    names = {kind.__name__ for one in (error, error.__cause__) if one is not None for kind in type(one).__mro__}
    if names & _NO_KEYS_CLASSES:
        return Fault.NO_KEYS
    if isinstance(error, ImportError):
        return Fault.DRIVER
    if isinstance(error, FileNotFoundError):
        return Fault.MISSING
    if isinstance(error, PermissionError):
        return Fault.REFUSED
    if isinstance(error, TimeoutError | ConnectionError) or names & _NETWORK_CLASSES:
        return Fault.UNREACHABLE
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Fault.FULL
    if "satisfiable" in str(error):
        return Fault.PAST_END
    return Fault.OTHER


def failure(error: BaseException) -> StorageFailed:
    """What to raise for an exception of a driver, from it."""
    fault = fault_of(error)
    message, advice = _SENTENCES[fault]
    if fault is Fault.OTHER:
        code = code_of(error)
        message += f" ({code})." if _CODE.fullmatch(code) else "."
    return StorageFailed(message, advice)
