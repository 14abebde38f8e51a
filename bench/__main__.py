"""`python -m bench`: see bench/README.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from bench import environments, report
from bench.phases import FULL, PHASES, QUICK, Laboratory
from bench.upstream import Upstream


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure wemasy-mcp beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under 3 minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every figure of every round in FILE")
    parser.add_argument("--write", action="store_true", help=f"put the tables into docs/{report.PAGE.name}")
    parser.add_argument("--only", nargs="+", choices=PHASES, default=PHASES, help="measure only these phases")
    options = parser.parse_args()

    environments.prepare()
    began = time.perf_counter()
    plan = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory() as logs:
        upstream = Upstream(Path(logs))
        try:
            laboratory = Laboratory(upstream, Path(logs), plan)
            laboratory.run(options.only)
        finally:
            upstream.close()
    if options.json:
        options.json.write_text(json.dumps(laboratory.samples.figures, indent=1))
    text = report.side_by_side(laboratory.samples, laboratory.participants, plan)
    if options.write:
        report.write_part("side-by-side", text)
    print(text)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
