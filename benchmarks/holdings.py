"""Holdings side by side with their peers: every `holdings_*.py` of this folder that has a `main(options)`, in one run.

python benchmarks/holdings.py [NAME…] [--rounds N] [--quick] [--json]
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from holdings_rows import Row, finish, options

#: Not benchmarks but what they share.
_SHARED = {"holdings_rows", "holdings_samples"}


def main() -> None:
    """Run what was named, or all; exit status 1 when a wanted figure was missed."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("holdings_*.py") if path.stem not in _SHARED)
    names = [argument for argument in sys.argv[1:] if f"holdings_{argument}" in known]
    found = options(__doc__, [argument for argument in sys.argv[1:] if argument not in names])
    rows: list[Row] = []
    for name in known:
        if not names or name.removeprefix("holdings_") in names:
            print(f"\n== {name.removeprefix('holdings_')}", flush=True)
            rows += importlib.import_module(name).main(found)
    finish("holdings", found, rows)


if __name__ == "__main__":
    main()
