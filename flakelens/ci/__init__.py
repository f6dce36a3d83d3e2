"""What CI tells of a run: an environment mapping and a git folder in, a `RunInfo` out.

Nothing here reads `os.environ`, the clock or the network; the caller hands in what may be looked at. What a provider
does not tell stays empty: a guess would be stored as a fact. docs/ci-detection.md lists it per provider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from flakelens.ci import azure, buildkite, circleci, generic_ci, github, gitlab, jenkins, local
from flakelens.ci.git import Commit, Git, GitFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flakelens.model import RunInfo

__all__ = ["PROVIDERS", "Commit", "Git", "GitFolder", "Provider", "detect", "local", "provider_of"]


class Provider(Protocol):
    """What each provider's file offers."""

    NAME: str

    def matches(self, env: Mapping[str, str], /) -> bool:
        """Is this the provider's environment?"""
        ...

    def read(self, env: Mapping[str, str], git: Git, /) -> RunInfo:
        """What the environment and the checkout tell of the run."""
        ...


# The first that matches wins. Jenkins comes after the hosted ones, whose agents may run beside a Jenkins; then any
# other CI; `local` matches always.
PROVIDERS: tuple[Provider, ...] = (github, gitlab, circleci, buildkite, azure, jenkins, generic_ci, local)


def detect(environ: Mapping[str, str], git: Git) -> RunInfo:
    """The run that this environment and checkout belong to; never raises, whatever the values are."""
    return provider_of(environ).read(environ, git)


def provider_of(environ: Mapping[str, str]) -> Provider:
    """Whose environment this is; `local` where it is no CI's."""
    return next((each for each in PROVIDERS if each.matches(environ)), local)
