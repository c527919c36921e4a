"""Scripts as they run in the archive: a handful of names lead to the runtime, everything else stays as it was.

Browsers let a page replace nearly everything that tells it where it is, and the runtime (`replay/runtime/`) does so. What
they do not let anybody replace is found here, by its name in the code: `location`, wherever it is read, written or taken
apart; `top`; the direct `eval`, whose meaning depends on its name; `import`, which is syntax; and `postMessage`, which
must know who calls it. Local variables of these names go on working, scripts keep their scope, their lines and their
directives, and most scripts are not touched at all.
"""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

from archiver.markup.charset import DETECT_BYTES, sniff_charset
from archiver.markup.js import quoted
from archiver.markup.slots import PassageKind
from replay.rewrite.byteview import view_of
from replay.rewrite.context import RewriteContext
from replay.rewrite.names import Names
from replay.rewrite.occurrences import RUNTIME, plainly_named, spliced
from replay.rewrite.urls import archive_address

#: The keys of speculation rules (Speculation Rules, section 2.1), and of each of their rules.
_SPECULATIONS = ("prefetch", "prerender")
_RULE = frozenset({"source", "urls", "where"})
#: White space and comments.
_BETWEEN = r"(?:\s|//[^\r\n\u2028\u2029]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*+\*/)*+"
#: A script whose directives (ECMAScript, section 11.2.1) make it strict: a string goes on where an operator follows.
_STRICT = re.compile(
    rf"""(?:\ufeff|\xef\xbb\xbf)?{_BETWEEN}
    (?:(?:"[^"\\\r\n]*+"|'[^'\\\r\n]*+'){_BETWEEN};?{_BETWEEN})*?
    (?:"use[ ]strict"|'use[ ]strict'){_BETWEEN}(?![-+*/%&|^<>=!?.,\[(`)]|in(?:stanceof)?\b)""",
    re.VERBOSE,
)


def rewrite_script(context: RewriteContext, source: str, kind: PassageKind) -> str | None:
    """What replaces a script in a page, a handler or a `javascript:` URL; None when it stays as it is.

    Args:
        context: where the page is replayed.
        source: the script.
        kind: what it is: a classic script, a module, JSON, an event handler, a URL.
    """
    if kind is PassageKind.JSON:
        return "{}" if is_speculation(source) else None  # nothing is fetched ahead, least of all from the live web
    plain = plainly_named(source)
    result = spliced(plain, Names(context, plain).edits())
    return None if result is source else result


class ScriptRewriter:
    """Bytes of a script in, bytes of the script as it runs in the archive out; the whole script is held.

    Args:
        context: where it is replayed. Workers and worklets are given the runtime first.
        http_charset: charset parameter of its Content-Type.
    """

    def __init__(self, context: RewriteContext, http_charset: str | None = None) -> None:
        self._context = context
        self._http_charset = http_charset
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> bytes:
        """Nothing yet."""
        self._pieces.append(data)
        return b""

    def flush(self) -> bytes:
        """The script."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        if self._context.modifier == "wkrm":
            return _module_worker(self._context)
        view = view_of(sniff_charset(body[:DETECT_BYTES], self._http_charset))
        source = view.decode(body) + view.finish()
        script = rewrite_script(self._context, source, PassageKind.SCRIPT)
        out = body if script is None else view.encode(script) + view.tail()
        return _worker_start(self._context, source) + out


def _worker_runtime(context: RewriteContext, **more: str) -> str:
    query = urlencode({"prefix": context.prefix, "timestamp": context.timestamp, "url": context.url, **more})
    return quoted(f"/-/runtime/worker.js?{query}")


def _module_worker(context: RewriteContext) -> bytes:
    """What runs in place of a worker that is a module, and has the module run when its runtime is there."""
    module = quoted(archive_address(context, context.url, "esm"))
    runtime = _worker_runtime(context, kind="module")
    return f"import {{begun}} from {runtime};try {{await import({module})}} finally {{begun()}}\n".encode()


def _worker_start(context: RewriteContext, source: str) -> bytes:
    """What stands before the first line of a script, on the same line; a worker's directive would mean nothing after it."""
    if context.modifier == "wkl":
        return f"import {RUNTIME} from {quoted('/-/runtime/worklet.js')};".encode()
    if context.modifier != "wkr":
        return b""
    address = _worker_runtime(context)
    directive = '"use strict";' if _STRICT.match(source) else ""
    return f"{directive}importScripts({address});".encode()


def is_speculation(source: str) -> bool:
    """True for rules that tell the browser what to fetch before anybody asks for it."""
    if not any(f'"{key}"' in source for key in _SPECULATIONS):
        return False
    try:
        rules = json.loads(source)
    except (ValueError, RecursionError):
        return False
    if not isinstance(rules, dict):
        return False
    found = [rule for key in _SPECULATIONS if isinstance(rules.get(key), list) for rule in rules[key]]
    return any(isinstance(rule, dict) and not _RULE.isdisjoint(rule) for rule in found)
