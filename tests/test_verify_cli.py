"""`muniment verify` as people and programs use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archiver.cli.main import run
from tests.archiver.waczs_by_hand import package
from tests.archiver.warcs_by_hand import file_of, response, sha1
from tests.servers.lifelines import child


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.warc.gz").write_bytes(file_of(response()))
    (tmp_path / "bad.warc.gz").write_bytes(file_of(*(response(n, put=(("WARC-Date", "soon"),)) for n in range(2, 300))))
    (tmp_path / "good.wacz").write_bytes(package())
    (tmp_path / "strange.warc.gz").write_bytes(file_of(response(put=(("WARC-Truncated", "head"),))))
    return tmp_path


def test_the_answer_is_in_the_exit_status(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(folder / "good.warc.gz"), str(folder / "good.wacz")]) == 0
    assert "2 files" in capsys.readouterr().out
    assert run(["verify", str(folder / "bad.warc.gz")]) == 1
    assert run(["verify", str(folder / "strange.warc.gz")]) == 0
    assert run(["verify", "--strict", str(folder / "strange.warc.gz")]) == 1
    assert run(["verify", str(folder / "none.warc.gz")]) == 2
    assert run(["verify", "--quick", str(folder / "good.warc.gz")]) == 2


def test_people_see_a_few_findings_the_rules_and_what_to_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["verify", "--workers", "2", str(folder)])
    out = capsys.readouterr().out
    assert out.count("error at byte") == 3
    assert "and 295 more" in out
    assert "298 × warc-5.4-form: WARC-Date is no UTC date" in out
    assert "4 files" in out
    assert "good.wacz" not in out


def test_programs_see_everything(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["verify", "--json", "--workers", "2", str(folder)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    findings = [line for line in lines if line.get("rule") == "warc-5.4-form"]
    assert len(findings) == 298
    assert findings[0]["severity"] == "error"
    assert findings[0]["subject"] == "http://example.org/a"
    assert len({finding["offset"] for finding in findings}) == 298
    assert len([line for line in lines if "records" in line]) == 4
    summary = lines[-1]["summary"]
    assert summary["errors"] == 298
    assert not summary["ok"]
    assert summary["files"] == 4


def test_a_large_file_is_shared_by_processes_and_the_answer_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import archiver.verify

    monkeypatch.setattr(archiver.verify, "_SMALLEST_PART", 2000)
    records = [response(n, put=(("WARC-Block-Digest", sha1(b"x")),) if n % 50 == 0 else ()) for n in range(2, 400)]
    # A file inside a record, as it is: parts must not take it for records of their own.
    inner = file_of(*records[:20])
    body = b"HTTP/1.1 200 OK\r\n\r\n" + inner
    import zlib

    engine = zlib.compressobj(0, wbits=31)
    held = engine.compress(response(900, block=body, payload=inner)) + engine.flush()
    (tmp_path / "test.warc.gz").write_bytes(file_of(*records[:100]) + held + file_of(*records[100:]))
    told = []
    for workers in ("1", "4"):
        assert run(["verify", "--json", "--workers", workers, str(tmp_path / "test.warc.gz")]) == 1
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        told.append((sorted(json.dumps(line) for line in lines if "rule" in line), lines[-1]))
    assert told[0] == told[1]
    assert told[0][1]["summary"]["rules"]["warc-5.8-mismatch"] == 7


def test_ctrl_c_stops_at_once_and_says_how_to_go_on(tmp_path: Path) -> None:
    part = file_of(*(response(n) for n in range(2, 2000)))
    with (tmp_path / "test.warc.gz").open("wb") as out:
        for _ in range(300):
            out.write(part)
    code = "import sys; from archiver.cli.main import run; sys.exit(run(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "verify", "--workers", "1", str(tmp_path / "test.warc.gz")]
    with child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, text=True) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:  # until it reads the file
            try:
                links = {str(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").iterdir()}
            except OSError:
                links = set()
            if str(tmp_path / "test.warc.gz") in links:
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Stopped" in errors
    assert "Traceback" not in errors


def test_the_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--help"]) == 0
    assert "Usage: muniment" in capsys.readouterr().out
