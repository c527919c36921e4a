"""Makes crawl.svg, the README's picture of the live table, from a crawl that runs at the moment.

python docs/images/crawl.py ARCHIVE [ID]
"""

from __future__ import annotations

import io
import re
import sys
import time
from pathlib import Path

from rich.console import Console

from archiver.cli.crawl.live import live_table
from archiver.collections.progress import progress
from archiver.collections.reports import CrawlReports
from archiver.collections.speed import Speedometer
from archiver.holdings import open_holdings, utc_now
from archiver.settings import load_settings

#: The speed in the picture is that of so many seconds.
SECONDS = 10


def main(archive: str, number: int | None = None) -> None:
    """Look twice, and draw the second look."""
    with open_holdings(load_settings({"archive": archive}, environ={})) as holdings:
        crawl = CrawlReports(holdings.engine).find(number, None).number
        speed = Speedometer()
        speed.look(progress(holdings.engine, crawl, utc_now().timestamp()))
        time.sleep(SECONDS)
        now = progress(holdings.engine, crawl, utc_now().timestamp())
        console = Console(record=True, width=124, file=io.StringIO())
        console.print(live_table(now, speed.look(now)))
    picture = console.export_svg(title="muniment crawl")
    # pages that show the picture fetch nothing from elsewhere
    picture = re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", picture, flags=re.DOTALL)
    (Path(__file__).parent / "crawl.svg").write_text(picture, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
