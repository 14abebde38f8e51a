"""`python -m bench`: see bench/README.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from bench import environments, report, scaling
from bench.phases import FULL, PHASES, QUICK, Laboratory, Plan
from bench.samples import Samples
from bench.upstream import Upstream


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure wemasy-mcp beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, under 3 minutes")
    parser.add_argument("--scaling", action="store_true", help="measure instead how cost grows with calls and replicas")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep every figure of every round in FILE")
    parser.add_argument("--write", action="store_true", help=f"put the tables into docs/{report.PAGE.name}")
    parser.add_argument("--only", nargs="+", choices=PHASES, default=PHASES, help="measure only these phases")
    options = parser.parse_args()

    environments.prepare()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as logs:
        upstream = Upstream(Path(logs))
        try:
            if options.scaling:
                part, samples, text = "scaling", *_measure_scaling(upstream, Path(logs))
            else:
                plan = QUICK if options.quick else FULL
                part, samples, text = "side-by-side", *_measure_side_by_side(upstream, Path(logs), plan, options.only)
        finally:
            upstream.close()
    if options.json:
        options.json.write_text(json.dumps(samples.figures, indent=1))
    if options.write:
        report.write_part(part, text)
    print(text)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)


def _measure_side_by_side(upstream: Upstream, logs: Path, plan: Plan, phases: Collection[str]) -> tuple[Samples, str]:
    laboratory = Laboratory(upstream, logs, plan)
    laboratory.run(phases)
    return laboratory.samples, report.side_by_side(laboratory.samples, laboratory.participants, plan)


def _measure_scaling(upstream: Upstream, logs: Path) -> tuple[Samples, str]:
    measured = scaling.Scaling(upstream, logs)
    measured.run()
    return measured.samples, scaling.report(measured.samples)


if __name__ == "__main__":
    main()
