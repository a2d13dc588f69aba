"""What `uniavgen-bench compare` does: compare, write the page, print the table."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from uniavgen_bench.report.compare import CompareOptions, compare_runs
from uniavgen_bench.report.compare_page import check_folder, write_comparison
from uniavgen_bench.report.compare_table import print_comparison


def compare_and_show(
    runs: Sequence[Path],
    *,
    systems: Sequence[str],
    fields: Sequence[str],
    common: bool,
    out: Path,
    json: bool,
) -> None:
    """Compare runs, write the page below `out`, and print the table, or with `json` what compare.json holds."""
    check_folder(out)
    found = compare_runs(runs, CompareOptions(tuple(systems), tuple(fields), common, out))
    page = write_comparison(found, out)
    if json:
        data = {"page": str(page), **found.model_dump(mode="json")}
        sys.stdout.write(jsonlib.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        return
    console = Console()
    print_comparison(found, console)
    console.print(f"\npage  {page}", highlight=False, soft_wrap=True, markup=False)
