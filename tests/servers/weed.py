"""A real server of object storage that speaks S3, SeaweedFS, on loopback, for tests."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.session import Session

from tests.servers.lifelines import end_with_us

KEY = "test-key-of-the-archive"
SECRET = "test-secret-of-the-archive"
#: Its keys may read only.
READER = "test-key-of-a-reader"

_PORTS = ("s3", "s3.grpc", "master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc")
_OPTIONS = (
    *("-ip", "127.0.0.1", "-ip.bind", "127.0.0.1", "-s3", "-filer", "-iam=false", "-s3.iam=false"),
    *("-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"),
    *("-master.volumeSizeLimitMB=256", "-volume.max=0", "-volume.publicUrl", "127.0.0.1"),
)


@dataclass(frozen=True)
class ObjectServer:
    """Attributes:
    endpoint: its URL.
    pid: its process.
    """

    endpoint: str
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """What names it and its keys to programs."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def call(self, method: str, **given: Any) -> Any:
        """Ask it past all that is tested."""
        client = _session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}),
        )
        try:
            return getattr(client, method)(**given)
        finally:
            client.close()

    def objects(self, bucket: str) -> dict[str, int]:
        """Key and size of everything in a bucket."""
        found = self.call("list_objects_v2", Bucket=bucket)
        return {item["Key"]: item["Size"] for item in found.get("Contents", ())}


@cache
def _session() -> Session:
    """One for all clients: each would read the description of all of S3 anew."""
    return Session()


@contextmanager
def object_server(folder: Path) -> Iterator[ObjectServer]:
    """Run one, with its files in a folder."""
    keys = [
        {"name": "all", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]},
        {"name": "read", "credentials": [{"accessKey": READER, "secretKey": SECRET}], "actions": ["Read", "List"]},
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": keys}))
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    named = [f"-{name.replace('.', '.port.') if '.' in name else f'{name}.port'}={port}" for name, port in ports.items()]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                str(Path(sysconfig.get_path("scripts")) / "weed"),
                "-logtostderr=true",
                "server",
                "-dir",
                str(folder),
                "-s3.config",
                str(folder / "s3.json"),
                *_OPTIONS,
                *named,
            ],
            stdout=log,
            stderr=log,
            preexec_fn=end_with_us(signal.SIGKILL),  # noqa: PLW1509 it does next to nothing
        )
    server = ObjectServer(f"http://127.0.0.1:{ports['s3']}", process.pid)
    try:
        _wait(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGKILL)  # it takes half a minute to say good-bye
        process.wait()


def _wait(server: ObjectServer, process: subprocess.Popen[bytes]) -> None:
    """Until it keeps something."""
    deadline = time.monotonic() + 60
    port = int(server.endpoint.rpartition(":")[2])
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            server.call("create_bucket", Bucket="first-light")
            server.call("put_object", Bucket="first-light", Key="a", Body=b"a")
        except Exception:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
