"""A process of its own that writes runs FIRST..LAST-1 into DATABASE and says so after each: killed by a test."""

from __future__ import annotations

import sys

from store_inputs import F, case, hours, report, run

from flakelens.store import open_store


def share(number: int) -> object:
    cases = [case(f"t{place}", *([F] if (place + number) % 7 == 0 else [])) for place in range(40)]
    reports = [report(f"{number}-{shard}.xml", *cases, at=hours(number)) for shard in range(3)]
    return run(number, *reports)


if __name__ == "__main__":
    path, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open_store(path, create=True) as store:
        for number in range(first, last):
            store.write_run(share(number), ingested_at=hours(number))  # type: ignore[arg-type]
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
