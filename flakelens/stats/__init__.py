"""Statistics: pure functions of numpy arrays, no I/O. Each docstring states formula, source, units and shapes.

Runs, not test results, are the unit of replication everywhere. What the gate needs (`evidence`, `intervals`, `rate`)
imports numpy alone: a verdict must not wait for a heavier library.
"""
