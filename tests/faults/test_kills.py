"""A seeded share of the kills and failing writes that `python -m tests.faults` makes by the hundred."""

from __future__ import annotations

from tests.faults.calls import faults

OPERATIONS = ("ingest", "ingest --jobs 2", "merge", "rebuild", "prune", "migrate", "backup")


def test_killed_at_random_moments_each_run_is_whole_or_absent() -> None:
    said = faults("kills", 3)
    assert all(f"{operation}: " in said for operation in OPERATIONS)
    assert ": killed" in said


def test_killed_or_refused_at_single_writes_nothing_is_torn() -> None:
    said = faults("writes", 2)
    for operation in OPERATIONS:
        assert f"2  {operation}: killed\n" in said
        assert f"4  {operation}: disk full\n" in said  # once for one write, once for good
        assert f"2  {operation}: I/O error\n" in said


def test_a_power_cut_leaves_each_run_whole_or_absent() -> None:
    said = faults("cuts", 6)
    assert all(f"{operation}: cut with " in said for operation in OPERATIONS)
    assert "with calls not yet on the disk" in said


def test_a_full_disk_costs_nothing_that_was_there() -> None:
    assert ": refused" in faults("disks", 2)
