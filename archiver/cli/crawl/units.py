"""Amounts as options: 10MB, 2h, 30m."""

from __future__ import annotations

from typing import Any

import click

from archiver.amounts import parse_duration, parse_size


class SizeType(click.ParamType[int]):
    """An option's amount of bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Bytes; a usage error when it is none."""
        if isinstance(value, int):
            return value
        try:
            return parse_size(value)
        except ValueError:
            self.fail(f"“{value}” is not a size. Write it like 500, 10MB or 2GB.", param, ctx)


class DurationType(click.ParamType[float]):
    """An option's time."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; a usage error when it is none."""
        if isinstance(value, float):
            return value
        try:
            return parse_duration(value)
        except ValueError:
            self.fail(f"“{value}” is not a time. Write it like 90 (seconds), 30m or 2h.", param, ctx)


class DelayType(DurationType):
    """Seconds between two requests to a host, or "auto" for what the crawl finds out by itself (-1)."""

    name = "delay"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; -1 for "auto"."""
        return -1.0 if value == "auto" else super().convert(value, param, ctx)
