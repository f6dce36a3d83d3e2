"""Work on Dask workers: those of a scheduler, or a cluster of this machine that lives as long as the work.

The scheduler gives a killed worker's tasks to the others, up to three times; so every task must be one that can be done
twice. Nothing is kept on a worker between tasks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from flakelens.errors import FlakelensError, UsageError

_PATIENCE: Final = 10.0  # seconds for a scheduler to answer
_START: Final = 30.0  # seconds for its first worker
_EXTRA: Final = "Install the extra flakelens-junit[dask]: pip install '.[dask]' in the checkout."

Progress = Callable[[int, int], None]  # done, of how many


class Workers:
    """Workers that take tasks. Made by `workers`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, work: Callable[[Any], Any], items: Sequence[Any], progress: Progress | None = None) -> list[Any]:
        """`work` of each item, in their order. What a task raises is raised here, and the others are given up.

        Raises UsageError where workers keep dying, or cannot import this flakelens.
        """
        from distributed import KilledWorker, as_completed
        from distributed.client import FutureCancelledError

        # pure=False: equal items are not one task, and nobody else's result is taken for it.
        futures = [self._client.submit(work, item, pure=False) for item in items]
        try:
            for done, future in enumerate(as_completed(futures, loop=self._client.loop), 1):
                future.result()
                if progress:
                    progress(done, len(futures))
            return [future.result() for future in futures]
        except KilledWorker as error:
            raise UsageError(
                f"Workers died again and again over the same task ({error.last_worker.address} was the last).",
                mend="Look into the worker's log; mostly memory is too small. What has landed stays: run this again.",
            ) from None
        except (FutureCancelledError, ConnectionError) as error:
            raise UsageError(
                f"The Dask scheduler went away ({error}).", mend="What has landed stays: run this again."
            ) from None
        except (ImportError, AttributeError) as error:
            raise UsageError(
                f"The workers cannot do this work: {error}.",
                mend="Install the same flakelens, with its extra [dask], on every worker, then start it again.",
            ) from None
        finally:
            self._client.cancel(futures)


@contextmanager
def workers(address: str = "", *, number: int = 1) -> Iterator[Workers]:
    """The workers of the scheduler at `address`; "": `number` processes of this machine.

    Raises UsageError: dask is not installed, nobody answers at `address`, or no worker is there.
    """
    need_dask()
    from distributed import Client, LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is raised
    with ExitStack() as stack:
        try:
            if not address:
                address = stack.enter_context(
                    LocalCluster(
                        n_workers=number,
                        threads_per_worker=1,
                        dashboard_address="127.0.0.1:0",  # a free port
                        silence_logs=logging.CRITICAL,
                    )
                )
            client = stack.enter_context(Client(address, timeout=_PATIENCE, set_as_default=False))
        except (OSError, TimeoutError, ValueError) as error:
            raise _unreachable(address, error) from None
        try:
            client.wait_for_workers(1, timeout=_START)
        except TimeoutError:
            raise UsageError(
                f"The scheduler at {address} has no worker.",
                mend=f"Start one on each machine: dask worker {address}",
            ) from None
        yield Workers(client)


def need_dask() -> None:
    """Raises UsageError where dask is not installed; to be asked before any work is done."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise UsageError("This needs dask, which is not installed here.", mend=_EXTRA) from None


def _unreachable(address: object, error: Exception) -> FlakelensError:
    said = str(error).split("\n", maxsplit=1)[0] or type(error).__name__
    return UsageError(
        f"No Dask scheduler answers at {address}: {said}",
        mend="Start one with dask scheduler, and give the address that it prints, such as tcp://10.0.0.5:8786.",
    )
