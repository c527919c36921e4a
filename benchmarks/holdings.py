"""Holdings side by side with their peers: every `holdings_*.py` of this folder, each in a process of its own.

    python benchmarks/holdings.py [NAME…] [--rounds N] [--quick] [--json]

Exit status 1 when something that was wanted was missed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from holdings_rows import options

FOLDER = Path(__file__).parent

#: Not benchmarks but what they share.
_SHARED = {"rows", "samples"}


def main() -> None:
    """Run what was named, or all."""
    scripts = {path.stem.removeprefix("holdings_"): path for path in sorted(FOLDER.glob("holdings_*.py"))}
    known = [name for name in scripts if name not in _SHARED]
    names = [argument for argument in sys.argv[1:] if argument in known]
    shared = [argument for argument in sys.argv[1:] if argument not in names]
    options(__doc__, shared)  # says what is wrong with them before anything runs
    failed = []
    for name in names or known:
        print(f"\n== {name}", flush=True)
        # Some have options of their own instead; their defaults are what is wanted.
        takes_them = "options(__doc__)" in scripts[name].read_text("utf-8")
        if subprocess.run([sys.executable, scripts[name], *(shared if takes_them else ())], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nnot met, or failed: {', '.join(failed)}")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
