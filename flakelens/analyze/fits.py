"""Parameters of the hidden chain, fitted once per fifty runs and kept: fitting costs more than all that a gate asks."""

from __future__ import annotations

import hashlib
import json

import msgspec
import numpy as np
from msgspec.structs import asdict

from flakelens.stats import chain, fitting, markov, outages, probabilities, rate, states, verification
from flakelens.stats.markov import Parameters
from flakelens.stats.probabilities import FitInput, fit_to
from flakelens.store import Store

_MODULES = (outages, rate, states, verification, markov, chain, fitting, probabilities)


class Fits:
    """Fits what is asked, unless it or the database did so before. The database is only read until `keep`."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._fresh: dict[bytes, Parameters] = {}

    def __call__(self, given: FitInput) -> Parameters:
        """The parameters of these runs, as `fit_to` gives them."""
        if not len(given.commits):
            return fit_to(given)
        key = _key(given)
        if key not in self._fresh:
            kept = self._store.fitted(key) if self._store is not None else None
            if kept is not None:
                return msgspec.json.decode(kept, type=Parameters)
            self._fresh[key] = fit_to(given)
        return self._fresh[key]

    def keep(self, store: Store) -> None:
        """Write what was fitted anew. Raises DatabaseError where the database cannot be written."""
        for key, parameters in self._fresh.items():
            store.keep_fitted(key, msgspec.json.encode(parameters).decode())
        self._fresh.clear()


def params_hash(parameters: Parameters) -> str:
    """Hash of all numbers that states, outages and rates rest on: the constants of the methods and what was fitted."""
    told = json.dumps([_constants(), asdict(parameters)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _constants() -> dict[str, dict[str, float]]:
    return {
        module.__name__: {
            name: value
            for name, value in sorted(vars(module).items())
            if name.isupper() and isinstance(value, int | float)
        }
        for module in _MODULES
    }


def _key(given: FitInput) -> bytes:
    digest = hashlib.sha256(json.dumps([_constants(), given.outcomes.shape]).encode())
    for array in given:
        digest.update(b"-" if array is None else np.ascontiguousarray(array).data)
    return digest.digest()
