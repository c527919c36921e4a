"""Scripts pass through unchanged; this is where their rewriting goes."""

from __future__ import annotations

from replay.rewrite.context import RewriteContext


def rewrite_script(context: RewriteContext, source: str, *, module: bool) -> str:
    """The source of a script as it runs in the archive: unchanged."""
    del context, module
    return source
