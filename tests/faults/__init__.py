"""Faults made on purpose: killed processes, full disks, failing writes, flipped bytes, hostile reports, many writers.

`python -m tests.faults NAME` runs one kind for as long as it is told and prints counts; the tests of this folder run a
small, seeded share of each. docs/reliability.md says what was found to hold, and how often it was tried.
"""
