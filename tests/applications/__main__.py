"""`make applications`: all of them, one after the other, and the table in docs/applications.md.

    python -m tests.applications [--only NAME]… [--list]

What was done is kept under build/applications/, so an interrupted run costs nothing but the application it was at.
"""

from __future__ import annotations

import argparse
import sys
import time

from playwright.sync_api import sync_playwright

from tests.applications.browse import ALONE
from tests.applications.catalogue import APPLICATIONS
from tests.applications.packages import BUILD
from tests.applications.report import write_table
from tests.applications.run import Outcome, run
from tests.browser.conftest import FLAGS, chromium_path


def main() -> int:
    """Run, print, write; 1 when something differs."""
    names = [application.name for application in APPLICATIONS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=names, metavar="NAME", help="just this one; may be repeated")
    parser.add_argument("--list", action="store_true", help="print the names")
    options = parser.parse_args()
    if options.list:
        print("\n".join(names))
        return 0
    chosen = [application for application in APPLICATIONS if not options.only or application.name in options.only]
    bad = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS, ALONE])
        for number, application in enumerate(chosen, 1):
            began = time.monotonic()

            def say(what: str, number: int = number, title: str = application.title) -> None:
                if sys.stderr.isatty():
                    print(f"\r\033[K{number}/{len(chosen)} {title}: {what} …", end="", file=sys.stderr, flush=True)

            try:
                outcome = run(browser, application, BUILD / "runs" / application.name, say)
            except KeyboardInterrupt:
                print("\nStopped. What was done is kept; the table is not written.", file=sys.stderr)
                return 130
            outcome.seconds = time.monotonic() - began
            say("done")
            bad += _print(number, len(chosen), application.title, outcome)
        browser.close()
    write_table(APPLICATIONS)
    return 1 if bad else 0


def _print(number: int, count: int, title: str, outcome: Outcome) -> int:
    """One line, and one for each problem; 1 when there is any."""
    problems = outcome.problems
    verdict = "DIFFERS" if problems else "the same"
    print(f"\r\033[K{number}/{count} {title} {outcome.version}: {verdict} after {outcome.steps} steps, ", end="")
    held = f"found by capture {outcome.found} of {outcome.asked}"
    print(f"{outcome.pixels:.3%} of the pixels differ, {held}, {outcome.seconds:.0f} s", flush=True)
    for line in problems:
        print(f"    {line}", flush=True)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
