"""`python -m tests.mutants`: draws mutants of flakelens/gate at random and asks tests/gate to notice them.

mutmut makes the mutants and runs the tests on each; here they are drawn (--seed), those that change no more than a text
are left out, and each that survives is looked up in survivors.toml, where the reason stands why no test need notice it.
Exits with 1 for a survivor that is not there. Works in .mutants/, which is kept: results stay until the gate changes.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".mutants"
REASONS = Path(__file__).with_name("survivors.toml")
SETTINGS = """\
[mutmut]
source_paths = flakelens
only_mutate = flakelens/gate/*.py
also_copy =
    docs/policies
    pyproject.toml
pytest_add_cli_args =
    -p
    tests.mutants.quick
    -p
    no:cacheprovider
pytest_add_cli_args_test_selection = tests/gate
timeout_multiplier = 4
timeout_constant = 10
"""


class _Texts(ast.NodeTransformer):
    """Every text the same, every function without its name: what is left is what the code does."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = ""
        return self.generic_visit(node)


def prepared() -> None:
    """The work folder: links to what mutmut copies, and its settings. Mutants of an older gate are thrown away."""
    for old in ("tests", "kept-stores"):
        shutil.rmtree(WORK / "mutants" / old, ignore_errors=True)
    WORK.mkdir(exist_ok=True)
    (WORK / "docs").mkdir(exist_ok=True)
    for name in ("flakelens", "tests", "pyproject.toml", "docs/policies"):
        link = WORK / name
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT / name)
    (WORK / "setup.cfg").write_text(SETTINGS, encoding="utf-8")
    # mutmut asks pyproject.toml for its settings only where it has a table of its own there.
    os.chdir(WORK)


def made() -> list[str]:
    """The names of all mutants that change more than a text, in the order of the files."""
    from mutmut.__main__ import copy_also_copy_files, copy_src_dir, create_mutants
    from mutmut.mutation.data import SourceFileMutationData
    from mutmut.utils.file_utils import walk_mutatable_files

    Path("mutants").mkdir(exist_ok=True)
    copy_src_dir()
    copy_also_copy_files()
    create_mutants(1)
    names = []
    for path in sorted(walk_mutatable_files()):
        data = SourceFileMutationData(path=path)
        data.load()
        tree = ast.parse((Path("mutants") / path).read_text(encoding="utf-8"))
        bodies = {
            node.name: ast.dump(_Texts().visit(node)) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }
        for name in data.exit_code_by_key:
            mutant = name.rpartition(".")[2]
            if bodies[mutant] != bodies[f"{mutant.partition('__mutmut_')[0]}__mutmut_orig"]:
                names.append(name)
    return names


def results(names: list[str]) -> dict[str, str]:
    """What became of each mutant, in mutmut's words."""
    from mutmut.mutation.data import SourceFileMutationData
    from mutmut.stats import status_by_exit_code
    from mutmut.utils.file_utils import walk_mutatable_files

    found = {}
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        found |= {name: status_by_exit_code[code] for name, code in data.exit_code_by_key.items()}
    return {name: found[name] for name in names}


def change(name: str) -> str:
    """The mutant as "file function: lines before -> lines after", which stays when others come and go."""
    from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant

    path = find_mutant(name).path
    lines = get_diff_for_mutant(name, path=path).splitlines()
    before = " ".join(line[1:].strip() for line in lines if line.startswith("-") and not line.startswith("---"))
    after = " ".join(line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++"))
    function = name.rpartition(".")[2].partition("__mutmut_")[0].removeprefix("x")
    return f"{Path(path).stem} {function.strip('_ǁ').replace('ǁ', '.')}: {before} -> {after}"


def reasons() -> dict[str, str]:
    """change -> why no test need notice it."""
    told = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    return {each: one["why"] for one in told["survivor"] for each in one["changes"]}


def main() -> int:
    """Draw, try, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="how many to draw (0: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="of those drawn, try only what survived the last time")
    parser.add_argument("--told", action="store_true", help="only tell what the last try found")
    given = parser.parse_args()
    prepared()
    names = made()
    chosen = sorted(Random(given.seed).sample(names, given.count) if 0 < given.count < len(names) else names)
    tried = [name for name, result in results(chosen).items() if result != "killed"] if given.again else chosen
    if tried and not given.told:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1", *tried]
        subprocess.run(command, check=False, env={**os.environ, "CI": "true"})
    known, unknown, found = reasons(), 0, results(chosen)
    for name, result in found.items():
        if result == "survived":
            told = change(name)
            unknown += told not in known
            print(f"{'    known' if told in known else 'NOT KNOWN'}  {told}")
        elif result not in ("killed", "timeout"):
            unknown += 1
            print(f"{result:>9}  {change(name)}")
    counts = ", ".join(f"{count} {result}" for result, count in sorted(Counter(found.values()).items()))
    print(f"{len(chosen)} of {len(names)} mutants that change more than a text (seed {given.seed}): {counts}; ")
    print(f"{unknown} of the survivors without a reason in {REASONS.relative_to(ROOT)}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
