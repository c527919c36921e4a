"""What programs are told of a page that is saved, in the shapes of Save Page Now 2. Pure."""

from __future__ import annotations

from typing import Any

from archiver.jobs import Job, JobState
from archiver.saveorders import SaveRefused
from archiver.timestamps import parse_iso
from replay.workbench.savedesk import state_of


def status_of(job: Job) -> dict[str, Any]:
    """How a job stands."""
    result = job.result
    told: dict[str, Any] = {"status": state_of(job), "job_id": job.token, "resources": list(result.get("resources", ()))}
    if not job.state.is_over:
        progress = {"finished": int(result.get("finished", 0)), "known": int(result.get("known", 1))}
        return told | {"url": job.arguments["order"]["url"], "progress": progress}
    told["duration_sec"] = _seconds(job)
    if job.state is not JobState.DONE:
        code = str(result.get("code", "job-failed"))
        message = job.message or "The job was cancelled."
        return told | {
            "status_ext": f"error:{code}",
            "exception": code,
            "message": message,
            "original_url": job.arguments["order"]["url"],
        }
    told |= {
        "original_url": result["url"],
        "timestamp": result["timestamp"],
        "http_status": result["http_status"],
        "outlinks": result["outlinks"],
        "counters": {"outlinks": len(result["outlinks"]), "embeds": max(0, int(result.get("finished", 0)) - 1)},
    }
    if result.get("is_first") is not None:
        told["first_archive"] = result["is_first"]
    if result.get("messages"):
        told["message"] = " ".join(result["messages"])
    return told


def _seconds(job: Job) -> float:
    if not job.started_at or not job.finished_at:
        return 0.0
    return round((parse_iso(job.finished_at) - parse_iso(job.started_at)).total_seconds(), 3)


def refused(error: SaveRefused, url: str = "") -> dict[str, Any]:
    """What is said of an order that is not taken."""
    said = {"status": "error", "status_ext": f"error:{error.code}", "message": str(error)}
    return {**({"url": url} if url else {}), **said}


def unknown(token: str) -> dict[str, Any]:
    """What is said of a job that there is not."""
    return {
        "status": "error", "job_id": token, "status_ext": "error:not-found", "message": "There is no such job.",
    }  # fmt: skip
