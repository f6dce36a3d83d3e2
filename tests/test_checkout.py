"""What the checkout tells of titles and renamed files, and when it keeps silent."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from flakelens.checkout import Checkout
from flakelens.model import TestId


def put(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


CART = """
describe('Cart', () => {
  describe("with a voucher", () => {
    it('is cheaper', () => {});
    test.only(`isn\\'t negative`, () => {});
  });
  it.skip('is empty', () => {});
});
"""


@pytest.mark.parametrize(
    "title", ["Cart with a voucher is cheaper", "Cart > is empty", "Cart › with a voucher › isn't negative"]
)
def test_a_title_is_found_by_its_describe_blocks_and_its_own_name(root: Path, title: str) -> None:
    put(root, "src/cart.test.ts", CART)
    put(root, "src/other.spec.tsx", "describe('Basket', () => { it('is empty', () => {}) })")
    test = TestId("", title, "")
    assert Checkout(root).files_of({test}) == {test: "src/cart.test.ts"}


@pytest.mark.parametrize("title", ["is", "Basket is empty", "Cart with a voucher", "Cart is cheaper by far", ""])
def test_a_title_that_the_file_cannot_give_is_not_found(root: Path, title: str) -> None:
    put(root, "src/cart.test.ts", CART)
    assert Checkout(root).files_of({TestId("", title, "")}) == {}


def test_a_title_in_two_files_belongs_to_neither(root: Path) -> None:
    put(root, "a/cart.test.ts", CART)
    put(root, "b/cart.test.ts", CART)
    assert Checkout(root).files_of({TestId("", "Cart is empty", "")}) == {}


def test_files_of_packages_and_builds_are_not_looked_at(root: Path) -> None:
    put(root, "src/cart.test.ts", CART)
    put(root, "node_modules/x/cart.test.js", CART)
    put(root, "dist/cart.test.js", CART)
    test = TestId("", "Cart is empty", "")
    assert Checkout(root).files_of({test}) == {test: "src/cart.test.ts"}


def test_too_many_files_or_bytes_give_no_answer_instead_of_a_wrong_one(root: Path) -> None:
    put(root, "a.test.ts", CART)
    put(root, "b.test.ts", "it('x', () => {})")
    test = TestId("", "Cart is empty", "")
    assert Checkout(root, most_files=2).files_of({test}) == {test: "a.test.ts"}
    assert Checkout(root, most_files=1).files_of({test}) == {}
    assert Checkout(root, most_bytes=100).files_of({test}) == {}


def test_a_hostile_test_file_is_read_in_time(root: Path) -> None:
    put(root, "a.test.ts", "it('" * 50_000 + "\\" * 50_001 + "describe( " * 50_000)
    assert Checkout(root).files_of({TestId("", "x", "")}) == {}


def test_outside_of_a_checkout_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "deep").mkdir()
    found = Checkout.find(tmp_path / "repo" / "deep")
    assert found is not None
    assert found.root == tmp_path / "repo"
    assert found.renames() == []  # git does not know this for a repository


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_git_names_renamed_test_files(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    put(tmp_path, "src/cart.test.ts", CART)
    put(tmp_path, "src/cart.ts", "export const cart = []\n" * 20)
    put(tmp_path, "e2e/ä b.spec.ts", CART * 2)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    git(tmp_path, "mv", "src/cart.test.ts", "src/basket.test.ts")
    git(tmp_path, "mv", "src/cart.ts", "src/basket.ts")
    git(tmp_path, "mv", "e2e/ä b.spec.ts", "e2e/c.spec.ts")
    git(tmp_path, "commit", "-qm", "two")
    sha = git(tmp_path, "rev-parse", "HEAD")
    renames = Checkout(tmp_path).renames()
    assert sorted(renames) == [
        ("e2e/ä b.spec.ts", "e2e/c.spec.ts", sha),
        ("src/cart.test.ts", "src/basket.test.ts", sha),
    ]


@pytest.mark.parametrize("place", [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"])
def test_owners_are_found_where_github_and_gitlab_look(root: Path, place: str) -> None:
    put(root, place, "/e2e/ @qa\n")
    owners = Checkout(root).owners()
    assert owners.where == place
    assert owners.of("e2e/pay.spec.ts") == ("@qa",)


def test_only_the_first_file_holds(root: Path) -> None:
    put(root, "CODEOWNERS", "* @second")
    put(root, ".github/CODEOWNERS", "* @first")
    assert Checkout(root).owners().of("a.ts") == ("@first",)


def test_without_the_file_nobody_owns_anything(root: Path) -> None:
    (root / "CODEOWNERS").mkdir()
    assert Checkout(root).owners().where == ""


def test_a_file_of_owners_that_is_too_large_is_not_read_and_named(root: Path) -> None:
    put(root, "CODEOWNERS", "* @all\n" * 500_000)
    owners = Checkout(root).owners()
    assert owners.of("a.ts") is None
    assert [fault.why for fault in owners.faults] == ["it has more than 3 MB"]


def test_a_path_of_a_report_is_found_from_the_root(root: Path) -> None:
    put(root, "packages/web/e2e/pay.spec.ts", "")
    put(root, "packages/web/e2e/deep/list.spec.ts", "")
    put(root, "packages/app/e2e/list.spec.ts", "")
    put(root, "src/a.test.ts", "")
    checkout = Checkout(root)
    assert checkout.path_of("src/a.test.ts") == "src/a.test.ts"
    assert checkout.path_of("pay.spec.ts") == "packages/web/e2e/pay.spec.ts"
    assert checkout.path_of("./e2e/pay.spec.ts") == "packages/web/e2e/pay.spec.ts"
    assert checkout.path_of("deep/list.spec.ts") == "packages/web/e2e/deep/list.spec.ts"
    assert checkout.path_of("list.spec.ts") == ""  # two of them
    assert checkout.path_of("ay.spec.ts") == checkout.path_of("gone.spec.ts") == ""
    assert checkout.path_of("x" * 5_000) == checkout.path_of("a\0b") == ""


def test_owners_of_a_test_are_sought_from_the_root(root: Path) -> None:
    put(root, "CODEOWNERS", "/packages/web/ @web")
    put(root, "packages/web/e2e/pay.spec.ts", "")
    test = type("Row", (), {"id": TestId("pay.spec.ts", "pays", ""), "title_file": "", "stack_file": ""})()
    assert Checkout(root).owners().text_of(test) == "@web"
