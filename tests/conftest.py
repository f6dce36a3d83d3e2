"""Settings that hold for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# A landing must not depend on which examples chance finds; developers keep looking for new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
