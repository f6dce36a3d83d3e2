"""What ingest learns from the checkout beside the reports: files of titles, and renames."""

from __future__ import annotations

import subprocess
from pathlib import Path

from flakelens.checkout import Checkout
from flakelens.store import Store
from tests.bringing import CI, bring, run_json
from tests.tiny_reports import jest

# --- from the checkout ---


def checkout_of(root: Path) -> Checkout:
    """A repository in which cart.test.ts was renamed to basket.test.ts."""

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)

    (root / "src" / "api" / "ai").mkdir(parents=True)
    text = "describe('matching', () => {\n  it('finds one', () => {})\n})\n" * 3
    (root / "src" / "api" / "ai" / "match.test.ts").write_text(text, encoding="utf-8")
    (root / "src" / "cart.test.ts").write_text("describe('cart', () => {\n  it('is empty', () => {})\n})\n")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("mv", "src/cart.test.ts", "src/basket.test.ts")
    git("commit", "-qm", "two")
    return Checkout(root)


def test_the_checkout_names_the_files_of_titles_and_what_was_renamed(store: Store, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    one = jest(reports / "a.xml", {"matching finds one": "P", "nobody knows me": "P"})
    other = jest(reports / "b.xml", {"cart is empty": "P"}, file="src/elsewhere.test.ts")
    bring(store, one, other, detected=CI, checkout=checkout_of(tmp_path / "repo"))
    facts = store.read(branch="main")
    assert {test.id.name: test.title_file for test in facts.tests} == {
        "matching finds one": "src/api/ai/match.test.ts",
        "nobody knows me": "",
        "cart is empty": "",  # its report says where it is
    }
    assert [(rename.old, rename.new) for rename in facts.renames] == [("src/cart.test.ts", "src/basket.test.ts")]


def test_runs_in_folders_of_their_own_are_not_of_this_checkout(store: Store, tmp_path: Path) -> None:
    jest(run_json(tmp_path / "in" / "1", branch="main") / "a.xml", {"matching finds one": "P"})
    bring(store, tmp_path / "in", run_per_dir=True, checkout=checkout_of(tmp_path / "repo"))
    facts = store.read(branch="main")
    assert [test.title_file for test in facts.tests] == [""]
    assert facts.renames == ()
