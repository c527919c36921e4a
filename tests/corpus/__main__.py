"""The conformance corpus, from the command line.

    python -m tests.corpus                         ours, pywb and wabac.js side by side; writes docs/corpus.md
    python -m tests.corpus --write FOLDER          corpus.warc.gz and expected.json, for any other program
    python -m tests.corpus --base URL [--modifier mp_]     any replay server that has that WARC file
    python -m tests.corpus --live                  the sites themselves, as the judge of what is expected

`--only NAME`, again and again, takes single cases, and `--no-peers` only ours; the table then keeps what was found of the rest.
Exit status: 0 when all that is ours (or asked for) passed, else 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Playwright, sync_playwright

from archiver.holdings import open_holdings
from archiver.settings import load_settings
from archiver.warc.importer import import_file
from tests.browser.conftest import serving
from tests.corpus import peers
from tests.corpus.cases import Case, load_cases
from tests.corpus.check import Verdict, check, chromium, living, replay_at, shown_live, summary
from tests.corpus.origin import Origin
from tests.corpus.record import WARC, record_corpus
from tests.corpus.report import render

ROOT = Path(__file__).parent.parent.parent
BUILD = ROOT / "build" / "corpus"
PEERS = ROOT / "build" / "peers"
Verdicts = dict[str, Verdict]


def import_corpus(warc: Path, home: Path) -> None:
    """An archive with the corpus in its collection “corpus”."""
    with open_holdings(load_settings({"archive": home}, environ={})) as holdings:
        holdings.collections.create("corpus")
        import_file(warc, collection="corpus", store=holdings.store, index=holdings.index)


def each(cases: Sequence[Case], name: str, show: Callable[[Case], Verdict]) -> Verdicts:
    """All cases, with a line of progress."""
    verdicts: Verdicts = {}
    for number, case in enumerate(cases, 1):
        verdicts[case.name] = verdict = show(case)
        if sys.stderr.isatty():
            print(f"\r{name}: {number} of {len(cases)}  {case.name:30}", end="", file=sys.stderr, flush=True)
        if not verdict.passed:
            said = "nothing" if verdict.shown is None else repr(verdict.shown)
            print(f"\r{name}: {case.name}: {said} instead of {case.result!r}", *verdict.outside[:3], file=sys.stderr)
    print(f"\r{name}: {summary(verdicts)} as expected{'':30}")
    return verdicts


def ours(playwright: Playwright, cases: Sequence[Case], warc: Path) -> Verdicts:
    """What our own reader shows."""
    with TemporaryDirectory() as folder:
        home = Path(folder) / "warcs"
        import_corpus(warc, home)
        with serving(home) as (reader, _), chromium(playwright) as browser:
            replay = replay_at(f"{reader}corpus/", "if_")
            return each(cases, "muniment", lambda case: check(browser, case, replay))


def live(playwright: Playwright, cases: Sequence[Case]) -> Verdicts:
    """What the sites themselves show."""
    cases = [case for case in cases if case.live]
    with (
        Origin(answer for case in cases for answer in case.answers) as origin,
        chromium(playwright, origin) as browser,
        living(browser) as context,
    ):
        return each(cases, "live", lambda case: shown_live(context, case))


def beside(playwright: Playwright, cases: Sequence[Case], warc: Path) -> dict[str, Verdicts]:
    """What the others show; the keys name program and version."""
    found = {}
    with peers.pywb(PEERS, warc) as (version, replay), chromium(playwright) as browser:
        found[f"pywb {version}"] = each(cases, "pywb", lambda case: check(browser, case, replay))
    with chromium(playwright) as browser, peers.wabac(PEERS, warc, browser) as (version, replay, context):
        name = f"wabac.js in ReplayWeb.page {version}"
        found[name] = each(cases, "wabac.js", lambda case: check(browser, case, replay, context))
    return found


def remembered(found: Mapping[str, Verdicts], cases: Sequence[Case]) -> dict[str, Verdicts]:
    """With the verdicts of earlier runs, for the cases that are still the same; what was found now is remembered too."""
    place = BUILD / "verdicts.json"
    before = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    known = {case.name: sha256(repr(case).encode()).hexdigest() for case in cases}
    after: dict[str, Verdicts] = {}
    for program in {**found, **before}:
        kept = {name: item for name, item in before.get(program, {}).items() if item.pop("case") == known.get(name)}
        after[program] = {name: Verdict(item["shown"], tuple(item["outside"]), item["passed"]) for name, item in kept.items()}
        after[program].update(found.get(program, {}))
    as_json = {
        program: {name: {**asdict(verdict), "case": known[name]} for name, verdict in verdicts.items()}
        for program, verdicts in after.items()
    }
    place.write_text(json.dumps(as_json, ensure_ascii=False, indent=1), encoding="utf-8")
    return after


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.corpus", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="just this case; may be repeated")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write the WARC file and the expected results, no more")
    parser.add_argument("--base", metavar="URL", help="the collection of another replay server, with its slash")
    parser.add_argument("--modifier", default="", help="what follows timestamps there, such as mp_")
    parser.add_argument("--live", action="store_true", help="the sites themselves")
    parser.add_argument("--no-peers", action="store_true", help="just ours")
    options = parser.parse_args()
    cases = [case for case in load_cases() if not options.only or case.name in options.only]
    if unknown := set(options.only or ()) - {case.name for case in cases}:
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    if options.write:
        warc = record_corpus(cases, options.write)
        print(f"{warc.parent}: {WARC} with {len(cases)} cases, and what each shows")
        return 0
    with sync_playwright() as playwright:
        verdicts = _checked(playwright, cases, options)
    known = {case.name for case in cases if case.known} if not (options.live or options.base) else set()
    return 0 if all(verdict.passed or name in known for name, verdict in verdicts.items()) else 1


def _checked(playwright: Playwright, cases: Sequence[Case], options: argparse.Namespace) -> Verdicts:
    """What the command line asks for."""
    if options.live:
        return live(playwright, cases)
    if options.base:
        replay = replay_at(options.base, options.modifier)
        with chromium(playwright) as browser:
            return each(cases, options.base, lambda case: check(browser, case, replay))
    every = load_cases()
    warc = record_corpus(every, BUILD)
    found = {"Muniment": ours(playwright, cases, warc)}
    if not options.no_peers:
        found |= beside(playwright, cases, warc)
    verdicts = remembered(found, every)
    if len(verdicts) > 1 and all(len(found) == len(every) for found in verdicts.values()):
        (ROOT / "docs" / "corpus.md").write_text(render(every, verdicts), encoding="utf-8")
        print("docs/corpus.md")
    return {case.name: verdicts["Muniment"][case.name] for case in cases}


if __name__ == "__main__":
    sys.exit(main())
