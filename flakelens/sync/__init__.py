"""The history that a team shares: packs of runs and verdicts, on a branch of its repository or in a folder."""
