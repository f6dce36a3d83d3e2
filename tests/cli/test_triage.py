"""`flakelens triage`: one story per verdict, the run that is meant, the documents, and what it never does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from rich.cells import cell_len

from flakelens.analyze.failure_causes import MOST_READ
from flakelens.store import Store, StoredMessage
from tests.builders import a_commit, a_store
from tests.cli.triage_histories import (
    AS_OF,
    FLAKY,
    RUNS,
    Bad,
    database,
    everything_down,
    mixed_database,
    of,
    pull,
    team_run,
    usual,
)
from tests.goldens import same_as_golden

ROOT = Path(__file__).parents[2]


# --- the documents ---


@pytest.mark.parametrize("width", [80, 120])
def test_the_text(tmp_path, call, width):
    code, out, err = call("--db", mixed_database(tmp_path), "triage", "--as-of", AS_OF, width=width)
    assert (code, err) == (10, "")
    same_as_golden(f"triage/mixed.{width}.txt", out)


def test_verbose_tells_the_evidence_of_every_test_and_quiet_the_answer_alone(tmp_path, call):
    db = mixed_database(tmp_path)
    same_as_golden("triage/mixed.verbose.txt", call("-v", "--db", db, "triage", "--as-of", AS_OF)[1])
    _, out, _ = call("-q", "--db", db, "triage", "--as-of", AS_OF)
    assert out.startswith("Your console says 5 failed; explained: 1 known flake")
    assert "Exit code 10." in out
    assert out.count("\n") == 2


@pytest.mark.parametrize(("format_", "ending"), [("json", "json"), ("markdown", "md"), ("github", "github.txt")])
def test_the_other_formats(tmp_path, call, format_, ending):
    code, out, err = call("--db", mixed_database(tmp_path), "triage", "--as-of", AS_OF, "--format", format_)
    assert (code, err) == (10, "")
    same_as_golden(f"triage/mixed.{ending}", out)


def test_the_names_that_other_programs_read(tmp_path, triage):
    _, document = triage(db=mixed_database(tmp_path))
    assert document["schema"] == "flakelens.triage/1"
    assert document["run"] == "1041"
    for failure in document["failures"]:
        assert {
            "file", "name", "variant", "area", "verdict", "dismissed", "quarantined", "probabilities", "message",
            "signature", "seen_before", "owner",
        } <= set(failure)  # fmt: skip
        assert list(failure["probabilities"]) == ["flake", "outage", "new_break", "ongoing_break", "pr_only"]
        assert sum(failure["probabilities"].values()) == pytest.approx(1)


@pytest.mark.parametrize("width", [60, 80, 140])
def test_no_line_but_a_command_is_wider_than_the_terminal(tmp_path, call, width):
    _, out, _ = call("-v", "--db", mixed_database(tmp_path), "triage", "--as-of", AS_OF, width=width)
    assert max(cell_len(line) for line in out.splitlines() if not line.startswith("    npx ")) <= width


# --- a verdict each ---


def test_a_pull_request_that_breaks_a_test(triage):
    code, document = triage(pull(41, {"calm 3": Bad()}), pull(42, {"calm 3": Bad()}), run="1041")
    failure = of(document, "calm 3")
    assert (code, failure["verdict"], failure["dismissed"], failure["explained"]) == (10, "new", False, False)
    assert failure["probabilities"]["pr_only"] + failure["probabilities"]["new_break"] > 0.95
    assert "failed again when the commit ran again (run 1042)" in failure["because"]
    assert (failure["runs"], failure["failures"]) == (RUNS, 0)


def test_a_failure_that_a_rerun_of_the_pull_request_healed_is_a_flake_but_an_unknown_one(triage):
    code, document = triage(pull(41, {"calm 3": Bad()}), pull(42, {}), run="1041")
    failure = of(document, "calm 3")
    assert (code, failure["verdict"], failure["dismissed"]) == (10, "flake", False)
    assert failure["because"][-1] == "not dismissed: a new message, no earlier failure said it"
    assert not failure["worth_rerun"]  # it has run again, and passed


def test_a_known_flake_is_dismissed_and_one_that_says_something_new_is_not(triage):
    code, document = triage(pull(41, {"mail": Bad("F", FLAKY)}))
    failure = of(document, "mail")
    assert (code, failure["verdict"], failure["dismissed"], failure["seen_before"]) == (0, "flake", True, True)
    assert failure["because"][:2] == [
        "known flake (P = 0.99, 6 of 40 runs)",
        "failed 6 of 40 runs on main, passed on the same commit 6 times",
    ]


NEW_WORDS = Bad("F", "ReferenceError: total is not defined")


def test_a_new_message_forbids_the_dismissal(triage):
    code, document = triage(pull(41, {"mail": NEW_WORDS}))
    failure = of(document, "mail")
    assert (code, failure["verdict"], failure["dismissed"], failure["seen_before"]) == (10, "flake", False, False)
    assert failure["because"][-1] == "not dismissed: a new message, none of its 6 earlier failures said it"
    assert failure["worth_rerun"]


@pytest.mark.parametrize(
    ("said", "run", "verdict", "dismissed", "because"),
    [
        (NEW_WORDS, "1040", "new", False, "a break: a new message, none of its 6 earlier failures said it"),
        (NEW_WORDS, "1041", "ongoing", False, "a break: it says again what the failure before it said"),
        (Bad("F", FLAKY), "1040", "flake", True, "a flake: it says what its earlier flakes said (6 of 6)"),
        (Bad("F", FLAKY), "1041", "flake", True, ""),
    ],
)
def test_two_failures_on_end_are_told_apart_by_what_they_say(triage, said, run, verdict, dismissed, because):
    """A flaky test fails twice on one commit: with new words it broke, with those of ever it flaked twice."""
    _, document = triage(*(team_run(n, {**usual(n), "mail": said}) for n in (40, 41)), run=run)
    failure = of(document, "mail")
    assert (failure["verdict"], failure["dismissed"]) == (verdict, dismissed)
    turning = [sentence for sentence in failure["because"] if sentence.startswith("its message speaks for")]
    assert turning == ([f"its message speaks for {because}"] if because else [])


def test_a_message_that_is_rare_in_a_test_is_not_what_it_flakes_with(triage):
    """Run 40 failed with it once and passed again; six other failures said something else."""
    once = [team_run(40, {**usual(40), "mail": NEW_WORDS}), *(team_run(n) for n in (42, 43))]
    _, document = triage(*once, pull(44, {"mail": NEW_WORDS}), pull(45, {}), run="1044")
    failure = of(document, "mail")
    assert (failure["verdict"], failure["seen_before"], failure["dismissed"]) == ("flake", True, False)
    assert failure["because"][-1] == "not dismissed: only 1 of its 7 earlier failures said this"


@pytest.fixture
def messages_read(monkeypatch):
    """What the store was asked for, (report, test) each."""
    asked: list[tuple[int, int]] = []
    read = Store.messages

    def messages(store: Store, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], tuple[StoredMessage, ...]]:
        wanted = list(pairs)
        asked.extend(wanted)
        return read(store, wanted)

    monkeypatch.setattr(Store, "messages", messages)
    return asked


def test_each_message_is_read_once(tmp_path, call, messages_read):
    call("--db", mixed_database(tmp_path), "triage", "--as-of", AS_OF)
    assert len(messages_read) == len(set(messages_read)) > 10


def test_of_a_test_that_fails_all_the_time_the_newest_messages_are_read(tmp_path, call, messages_read):
    """Of 90 failures; and none of a test that passes in this run, unless the two fail together."""
    runs = [team_run(n, {"mail": Bad("F", FLAKY), **({"AI 1": Bad("F", FLAKY)} if n < 9 else {})}) for n in range(90)]
    db = database(tmp_path, *runs, pull(91, {"mail": Bad("F", FLAKY)}), main=0)
    call("--db", db, "triage", "--as-of", AS_OF)
    assert len(messages_read) == MOST_READ + 1


def test_what_a_flaky_test_says_since_it_broke_is_no_known_flake(triage):
    """Run 38 and 39 failed with a new message: that message was seen, but never in a failure that passed again."""
    said = Bad("F", "TypeError: Cannot read properties of null")
    broke = [team_run(n, {**usual(n), "mail": said}, commit=a_commit(900)) for n in (40, 41)]
    _, document = triage(*broke, pull(43, {"mail": said}))
    failure = of(document, "mail")
    assert (failure["seen_before"], failure["dismissed"]) == (True, False)


def test_what_was_broken_before_is_ongoing_and_names_the_commit(triage):
    code, document = triage(pull(41, {"old break": Bad()}))
    failure = of(document, "old break")
    assert (code, failure["verdict"], failure["explained"], failure["dismissed"]) == (0, "ongoing", True, False)
    assert (failure["since_run"], failure["since_commit"]) == ("1036", a_commit(18))
    assert failure["because"][0].startswith(f"already broken on main since {a_commit(18)[:7]} (run 1036)")
    assert not failure["worth_rerun"]


def test_a_commit_of_main_stays_to_blame_for_what_it_broke_when_it_runs_again(tmp_path, triage):
    runs = [team_run(n, {**usual(n), "calm 3": Bad()}, commit=a_commit(900)) for n in (40, 41)]
    code, document = triage(*runs)
    failure = of(document, "calm 3")
    assert (code, failure["verdict"], failure["explained"]) == (10, "ongoing", False)
    # And for the commit after it, it is no news.
    later = tmp_path / "later"
    later.mkdir()
    after = team_run(42, {**usual(42), "calm 3": Bad()}, commit=a_commit(901))
    _, document = triage(db=database(later, *runs, after))
    assert of(document, "calm 3")["explained"]


def test_a_break_that_is_new_on_main(triage):
    code, document = triage(*(team_run(n, {**usual(n), "calm 3": Bad()}) for n in (40, 41, 42)), run="1040")
    failure = of(document, "calm 3")
    assert (code, failure["verdict"]) == (10, "new")
    assert failure["probabilities"]["new_break"] > 0.95
    assert (
        f"passed last on main in run 1039; what broke it lies in {a_commit(19)[:7]}..{a_commit(20)[:7]}"
        in (failure["because"])
    )


def test_a_test_without_a_history_says_what_would_settle_it(triage):
    code, document = triage(pull(41, {"brand new": Bad()}))
    failure = of(document, "brand new")
    assert (code, failure["verdict"], failure["runs"]) == (10, "no-history", 0)
    assert failure["because"] == [
        "no history yet: main never ran it",
        "what would settle it: a rerun of this commit (if it passes, it is a flake), or 5 more results",
    ]
    assert failure["command"] == "npx jest src/components/new.test.tsx -t '^brand new$'"
    assert failure["reruns"] > 1


def test_an_ai_failure_is_never_dismissed_and_its_rerun_is_printed(tmp_path, call, triage):
    code, document = triage(pull(41, {"AI 1": Bad("F", FLAKY)}))
    failure = of(document, "AI 1")
    assert failure["probabilities"]["flake"] > 0.95
    assert failure["seen_before"]
    assert (code, failure["verdict"], failure["dismissed"], failure["worth_rerun"]) == (10, "flake", False, True)
    _, out, _ = call("--db", str(tmp_path / "flakelens.db"), "triage", "--as-of", AS_OF)
    assert "npx jest src/__tests__/api/ai/chat.test.ts -t '^AI 1$'" in out


def test_a_suspected_outage_is_not_dismissed_and_the_command_that_confirms_it_is_printed(tmp_path, call):
    db = database(tmp_path, team_run(40, everything_down(12)))
    code, out, _ = call("--db", db, "triage", "--as-of", AS_OF)
    assert code == 10
    same_as_golden("triage/suspected.80.txt", out)
    assert "gh run rerun 1040 --failed" in out


def test_the_next_run_confirms_an_outage_and_its_victims_are_dismissed(tmp_path, call, triage):
    db = database(tmp_path, team_run(40, everything_down(12)), team_run(41))
    code, document = triage(db=db, run="1040")
    assert {each["verdict"] for each in document["failures"]} == {"outage"}
    assert {each["dismissed"] for each in document["failures"]} == {True}
    assert (code, document["outage"]["state"], document["outage"]["victims"]) == (0, "confirmed", 12)
    same_as_golden("triage/outage.80.txt", call("--db", db, "triage", "1040", "--as-of", AS_OF)[1])


def test_a_break_of_many_tests_is_no_outage_once_the_next_run_says_so(triage):
    runs = [team_run(n, everything_down(12), commit=a_commit(900 + n)) for n in (40, 41)]
    code, document = triage(*runs, run="1040")
    assert {each["verdict"] for each in document["failures"]} == {"new"}
    assert (code, document["outage"]) == (10, None)


@pytest.mark.parametrize(("again", "verdict", "code"), [({}, "outage", 0), (everything_down(12), "new", 10)])
def test_a_rerun_of_the_commit_settles_an_outage_of_a_pull_request(triage, again, verdict, code):
    first, second = pull(41, everything_down(12)), pull(42, again)
    found, document = triage(first, second, run="1041")
    assert ({each["verdict"] for each in document["failures"]}, found) == ({verdict}, code)


@pytest.mark.parametrize("where", ["pull request", "main"])
def test_a_break_in_the_midst_of_an_outage_is_told_from_it(triage, where):
    at_once = {**everything_down(12), "calm 20": Bad(), "mail": Bad("F", FLAKY)}
    if where == "main":
        runs = [team_run(n, bad, commit=a_commit(900)) for n, bad in ((40, at_once), (41, {"calm 20": Bad()}))]
    else:
        runs = [pull(41, at_once), pull(42, {"calm 20": Bad()})]
    code, document = triage(*runs, run=runs[0].info.run)
    verdicts = {each["name"]: (each["verdict"], each["dismissed"]) for each in document["failures"]}
    assert verdicts.pop("calm 20") == ("new", False)
    # It fails in 15 % of its runs, and the outage struck more than that: either would have made it fail.
    assert verdicts.pop("mail")[0] in ("flake", "outage")
    assert set(verdicts.values()) == {("outage", True)}
    assert code == 10


def test_two_hundred_failures_of_one_outage_are_one_block(tmp_path, call):
    runs = [team_run(n, calm=250) for n in range(20)]
    a_store(tmp_path, [*runs, team_run(20, everything_down(200), calm=250)]).close()
    db = str(tmp_path / "flakelens.db")
    for format_, longest in (("text", 30), ("markdown", 50), ("github", 12)):
        _, out, _ = call("--db", db, "triage", "--as-of", AS_OF, "--format", format_)
        assert "200" in out
        assert len(out.splitlines()) <= longest, format_


def test_a_quarantined_failure_is_marked_and_stops_nobody(tmp_path, triage):
    (tmp_path / "flakelens-decisions.toml").write_text(
        '[[quarantine]]\ntest = { name = "calm 3" }\nowner = "Ann"\nreason = "the proxy"\n'
        "created = 2026-10-01T00:00:00Z\nexpires = 2026-10-20T00:00:00Z\n"
    )
    code, document = triage(pull(41, {"calm 3": Bad()}))
    failure = of(document, "calm 3")
    assert (code, failure["verdict"], failure["quarantined"], failure["dismissed"]) == (0, "new", True, True)
    assert failure["because"][-1] == "in quarantine until 2026-10-20, owner Ann: the proxy"


def test_no_quarantine_holds_where_the_policy_allows_none(tmp_path, triage):
    (tmp_path / "flakelens-decisions.toml").write_text(
        '[[quarantine]]\ntest = { name = "AI 2" }\nowner = "Ann"\nreason = "the proxy"\n'
        "created = 2026-10-01T00:00:00Z\nexpires = 2026-10-20T00:00:00Z\n"
    )
    code, document = triage(pull(41, {"AI 2": Bad()}))
    assert (code, of(document, "AI 2")["quarantined"]) == (10, False)
