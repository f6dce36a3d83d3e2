"""Whoever brings what, in which batches, twice or at once: a lake answers as the database that was told the same."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from flakelens.facts import RunKey
from flakelens.lake import open_lake
from flakelens.lake.export import export
from flakelens.lake.merging import merge
from flakelens.model import GateState
from tests.builders import started_at
from tests.lake.lakes import a_batch, a_lake, told
from tests.sync.histories import Call, a_database, a_verdict, all_of
from tests.sync.test_sync_properties import CALLS


@settings(max_examples=25)
@given(calls=st.lists(CALLS, min_size=1, max_size=10), data=st.data())
def test_a_lake_answers_as_the_database_does(calls: list[Call], data: st.DataObject) -> None:
    """The calls land in batches, some of them twice: as a task whose worker died, or as another job's share."""
    with TemporaryDirectory() as name:
        folder = a_lake(Path(name) / "lake")
        direct = a_database(Path(name) / "direct.db", calls)
        waiting = list(calls)
        while waiting:
            size = data.draw(st.integers(1, len(waiting)), "calls of a batch")
            again = data.draw(st.lists(st.sampled_from(calls), max_size=2), "brought before or later as well")
            batch = a_batch(folder, [*waiting[:size], *again], looks=data.draw(st.booleans(), "looks what is there?"))
            for _ in range(data.draw(st.integers(1, 2), "times")):
                batch.write(folder)
            del waiting[:size]
        asked = {
            "branch": data.draw(st.sampled_from([None, "main"])),
            "last": data.draw(st.sampled_from([None, 1, 3])),
            "step": data.draw(st.integers(1, 3)),
            "until": data.draw(st.sampled_from([None, started_at(3)])),
            "alongside": data.draw(st.booleans()),
            "run": data.draw(st.sampled_from([None, RunKey("github", "1001")])),
        }
        with open_lake(folder) as lake:
            assert told(lake.read()) == told(direct.read())
            assert told(lake.read(**asked)) == told(direct.read(**asked))
            assert lake.problems() == direct.problems()
            assert lake.branches() == direct.branches()
        with a_database(Path(name) / "merged.db", []) as merged:
            merge(folder, merged)
            assert all_of(merged) == all_of(direct)
            assert merged.check() == []
            assert merge(folder, merged)[:3] == (0, 0, 0)
        direct.close()


@settings(max_examples=12)
@given(calls=st.lists(CALLS, min_size=1, max_size=8), data=st.data())
def test_an_export_holds_all_and_a_second_one_only_what_is_new(calls: list[Call], data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name) / "lake"
        cut = data.draw(st.integers(0, len(calls)), "calls before the first export")
        with a_database(Path(name) / "a.db", calls[:cut]) as store:
            first = export(store, folder)
            again = export(store, folder)
            assert (again.commits, again.results, again.runs) == (0, 0, first.runs)
            for call in calls[cut:]:
                call.into(store)
            store.record_verdict(a_verdict(1, GateState.MET))
            if data.draw(st.booleans(), "pruned?") and len(store.run_keys()) > 1:
                store.prune(keep_runs=1)
                folder = Path(name) / "other"  # the first lake still has the runs that are gone
            export(store, folder)
            with open_lake(folder) as lake:
                assert told(lake.read()) == told(store.read())
                assert [v.json for v in lake.verdicts()] == [v.json for v in store.verdicts()]
                assert [v.active for v in lake.verdicts()] == [v.active for v in store.verdicts()]
