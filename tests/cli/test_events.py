"""`flakelens events` in the terminal and as a document, and what `show` says of one test."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from flakelens.model import Event, RunReports
from tests.builders import a_commit, a_report, a_run, a_store
from tests.cli.histories import EVIL, Call, caller
from tests.goldens import same_as_golden

AS_OF = "2026-10-03T00:00Z"
APP = "src/__tests__/app"


@pytest.fixture
def call(tmp_path, monkeypatch, capsys) -> Call:
    return caller(tmp_path, monkeypatch, capsys)


def a_day_of(n: int) -> RunReports:
    """Run n of a team: a shared break in runs 20 to 23, an open one since 36, a flake, a rename, a test that goes."""
    tables = f"{APP}/table.test.js" if n < 25 else f"{APP}/grid.test.js"
    return a_run(
        n,
        reports=[
            a_report(
                n,
                {
                    f"{APP}/offer.test.js::offer > shows the salary": "F" if 20 <= n < 24 else "P",
                    f"{APP}/offer.test.js::offer > shows the place": "F" if 20 <= n < 24 else "P",
                    f"{APP}/form.test.js::form > asks for a mail": "F" if 20 <= n < 24 else "." if n == 19 else "P",
                    f"{APP}/form.test.js::form > {EVIL}": "F" if n >= 36 else "P",
                    f"{tables}::table > sorts": "P",
                    f"{tables}::table > pages": "P",
                    f"{APP}/old.test.js::old one": "P" if n < 12 else ".",
                    f"{APP}/new.test.js::new one": "P" if n >= 30 else ".",
                    "src/mail.test.js::mail > has a footer": "S" if n > 30 else "P",
                    "src/mail.test.js::mail > has a subject": "F" if n == 15 else "P",
                    "src/__tests__/api/ai/chat.test.js::chat > answers": "K" if n % 9 == 8 else "P",
                },
                job="unit",
            )
        ],
    )


def database(folder, runs=None) -> str:
    pull = a_run(41, branch="feat", event=Event.PULL_REQUEST, outcomes={"src/mail.test.js::mail > has a subject": "F"})
    a_store(folder, [*(a_day_of(n) for n in range(40)), pull] if runs is None else runs).close()
    return str(folder / "flakelens.db")


@pytest.mark.parametrize("width", [80, 140])
def test_the_page(tmp_path, call, width):
    code, out, err = call("--db", database(tmp_path), "events", "--as-of", AS_OF, width=width)
    assert (code, err) == (0, "")
    same_as_golden(f"cli/events.{width}.txt", out)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_no_title_steers_it(tmp_path, call, width):
    _, out, _ = call("--db", database(tmp_path), "-v", "events", "--as-of", AS_OF, width=width)
    assert max(cell_len(line) for line in out.splitlines()) <= width
    assert not set("\x1b\u202e") & set(out)


def test_the_document(tmp_path, call):
    _, out, _ = call("--db", database(tmp_path), "events", "--as-of", AS_OF, "--kind", "regressed", "--format", "json")
    document = json.loads(out)
    assert list(document) == ["schema", "branch", "runs", "first", "since", "total", "groups"]
    assert (document["schema"], document["branch"], document["runs"]) == ("flakelens.events/1", "main", 40)
    assert [(group["at"]["run"], group["tests"], group["files"]) for group in document["groups"]] == [
        ("1036", 1, 1),
        ("1020", 3, 2),
    ]
    together = document["groups"][1]
    assert together["range"]["commits"] == f"{a_commit(19)}..{a_commit(20)}"
    assert {event["name"]: event["range"]["untested"] for event in together["events"]} == {
        "form asks for a mail": 1,  # it had no result on the commit before
        "offer shows the place": 0,
        "offer shows the salary": 0,
    }
    (salary,) = [event for event in together["events"] if event["name"] == "offer shows the salary"]
    assert (salary["known"]["run"], salary["until"]["run"], salary["size"]) == ("1021", "1024", 4)
    assert salary["details"] == [
        f"range {a_commit(19)[:7]}..{a_commit(20)[:7]}",
        f"fixed in run 1024 ({a_commit(24)[:7]})",
    ]


def blocks(call: Call, db: str, *options: str) -> list[str]:
    """ "1020 regressed 3": run, kind and tests of each block."""
    code, out, err = call("--db", db, "events", "--as-of", AS_OF, "--format", "json", *options)
    assert (code, err) == (0, "")
    return [f"{group['at']['run']} {group['kind']} {group['tests']}" for group in json.loads(out)["groups"]]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--kind", "gone", "--kind", "new"], ["1030 new 1", "1012 gone 1"]),
        (["--area", "AI"], ["1008 flaky 1"]),
        (["--area", "unassigned"], ["1031 skipped 1", "1015 failed 1"]),
        (["--focus", "payments"], []),
        (["--limit", "1"], ["1036 regressed 1"]),
        (["--since", "1031"], ["1036 regressed 1", "1031 skipped 1"]),
        (["--since", a_commit(36)[:7]], ["1036 regressed 1"]),
        # One failing run is no break yet: it became one with run 1037.
        (["--since", "1037"], ["1036 regressed 1"]),
        (["--since", "1038"], []),
        (["--since", "2026-10-02T18:00", "--kind", "regressed"], ["1036 regressed 1"]),
        (["--since", "1d", "--kind", "renamed", "--kind", "fixed"], ["1025 renamed 2", "1024 fixed 3"]),
    ],
)
def test_what_is_asked_for(tmp_path, call, options, found):
    assert blocks(call, database(tmp_path), *options) == found


def test_what_became_known_later_than_it_happened_says_so(tmp_path, call):
    _, out, _ = call("--db", database(tmp_path), "events", "--as-of", AS_OF, "--since", "1037")
    assert f"known since run 1037 ({a_commit(37)[:7]})" in " ".join(out.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "nonsense"], "'nonsense' is no run or commit of main in the newest 40 runs, and no time."),
        (["--kind", "odd"], "There is no kind of event 'odd'."),
        (["--area", "odd"], "There is no area 'odd'."),
        (["--focus", "odd"], "There is no focus 'odd'."),
    ],
)
def test_what_does_not_exist_is_an_error_that_names_what_does(tmp_path, call, options, said):
    code, out, err = call("--db", database(tmp_path), "events", *options)
    assert (code, out) == (2, "")
    assert said in err


def test_a_commit_that_several_begin_with_is_asked_for_again(tmp_path, call):
    runs = [a_run(n, outcomes={"it": "P"}, commit=f"abcdef{n}" + "0" * 33) for n in range(2)]
    code, _, err = call("--db", database(tmp_path, runs), "events", "--as-of", AS_OF, "--since", "abcdef")
    assert code == 2
    assert "Several commits begin with abcdef." in err


@pytest.mark.parametrize(
    ("commits", "letters", "said"),
    [
        (["a" * 40, "", "c" * 40, "d" * 40], "PPFF", "range unknown: the commit of run 1021 is"),
        (["a" * 40, "b" * 40, "", ""], "PPFF", "range unknown: the commit of run 1022 is"),
        (["a" * 40, "b" * 40, "c" * 40, "d" * 40], "P.FF", "range aaaaaaa..ccccccc, in which 1 commit had no result"),
        (["a" * 40, "b" * 40, "c" * 40, "d" * 40], "PPFF", "range bbbbbbb..ccccccc; broken still"),
    ],
)
def test_a_range_says_what_is_not_known_of_it(tmp_path, call, commits, letters, said):
    runs = [a_run(n, outcomes={"it": "P", "beside": "P"}) for n in range(20)]
    runs += [
        a_run(20 + n, outcomes={"it": letter, "beside": "P"}, commit=commit)
        for n, (commit, letter) in enumerate(zip(commits, letters, strict=True))
    ]
    _, out, _ = call("--db", database(tmp_path, runs), "events", "--as-of", AS_OF, "--kind", "regressed")
    assert said in " ".join(out.split())


def test_a_test_that_came_broken_never_passed_before(tmp_path, call):
    runs = [a_run(n, outcomes={"it": "F" if n > 1 else ".", "beside": "P"}) for n in range(5)]
    _, out, _ = call("--db", database(tmp_path, runs), "events", "--as-of", AS_OF)
    assert "it never passed before; broken still" in out


def test_where_nothing_happened_it_says_so(tmp_path, call):
    runs = [a_run(n, outcomes={"it": "P"}) for n in range(5)]
    db = database(tmp_path, runs)
    _, out, _ = call("--db", db, "events", "--as-of", AS_OF)
    assert out.startswith("Nothing happened: 5 runs of main, the oldest run 1000")
    assert call("events") == (0, "No run counts for main yet: nothing can have happened.\n", "")


def test_a_time_before_the_first_run_is_said_to_be_unknown(tmp_path, call):
    _, out, _ = call("--db", database(tmp_path), "events", "--as-of", AS_OF, "--since", "2026-09-01")
    assert "Nothing is known of what was before it." in " ".join(out.split())


def test_show_lists_what_happened_to_its_test(tmp_path, call):
    db = database(tmp_path)
    _, out, _ = call("--db", db, "show", "shows the salary", "--as-of", AS_OF, "--format", "json")
    assert [(event["kind"], event["at"]["run"]) for event in json.loads(out)["events"]] == [
        ("regressed", "1020"),
        ("fixed", "1024"),
    ]
    _, out, _ = call("--db", db, "show", "grid.test.js > table > sorts", "--as-of", AS_OF)
    said = " ".join(out.split())
    assert f"run 1025 ({a_commit(25)[:7]}) renamed {APP}/table.test.js -> {APP}/grid.test.js" in said
