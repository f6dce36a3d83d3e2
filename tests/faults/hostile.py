"""Files that were made to hurt: each is read in bounded time and memory, and the command says what is wrong with it.

`size` scales the large ones: 1 is what the runner takes (a million attributes, a gigabyte of zeros), the tests take less.
"""

from __future__ import annotations

import gzip
import io
import os
import resource
import signal
import struct
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

GOOD = b'<testsuite name="s"><testcase name="a"/></testsuite>'
MILLION, GIGABYTE = 10**6, 2**30


@dataclass(frozen=True)
class Hostile:
    """A file, what it is called, and how the command must end: its exit codes and a code among its problems."""

    name: str
    file: str
    make: Callable[[float], bytes]
    exits: tuple[int, ...] = (3,)  # nothing could be read; 6: something, with a Problem; 0: read whole
    says: str = ""  # a text of the output


@dataclass(frozen=True)
class Ending:
    """How the command ended on one file."""

    name: str
    code: int
    seconds: float  # of the processor
    megabytes: int  # resident at most
    output: str


def n(number: float, size: float) -> int:
    return max(10, int(number * size))


def suite(inner: bytes, attributes: bytes = b"") -> bytes:
    return b'<testsuite name="s"' + attributes + b'><testcase name="a">' + inner + b"</testcase></testsuite>"


def doctype(inside: str, use: str) -> bytes:
    return f"<?xml version='1.0'?><!DOCTYPE t [{inside}]><testsuite><testcase name='{use}'/></testsuite>".encode()


LAUGHS = "<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


def repeated(piece: bytes, number: float, before: bytes = b"", after: bytes = b"") -> Callable[[float], bytes]:
    return lambda size: before + piece * n(number, size) + after


def attributes(size: float) -> bytes:
    return suite(b"", b"".join(b' a%d="1"' % k for k in range(n(MILLION, size))))


def zip_of(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def tar_of(*members: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(GOOD))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(GOOD) if kind == tarfile.REGTYPE else 0
    return info


def gzip_of(piece: bytes, number: float) -> Callable[[float], bytes]:
    """Compressed piece by piece: the plain bytes are never in memory."""

    def make(size: float) -> bytes:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        chunk = piece * (2**20 // len(piece))
        return b"".join(packer.compress(chunk) for _ in range(n(number, size) // len(chunk) + 1)) + packer.flush()

    return make


def zip_bomb(size: float) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb.xml", "w", force_zip64=True) as bomb,
    ):
        bomb.write(b"<testsuite>")
        for _ in range(n(GIGABYTE, size) // 2**20 + 1):
            bomb.write(bytes(2**20))
    return out.getvalue()


def many_members(size: float) -> bytes:
    return zip_of(*((f"{k}.xml", b"") for k in range(n(10**5, size) + 1)))


def overlapping(size: float) -> bytes:
    """A zip whose members are all the same compressed bytes, a thousand times in the directory."""
    packed = bytearray(zip_of(("a.xml", b"<testsuite>" + b" " * n(10**7, size))))
    at = packed.index(b"PK\x01\x02")
    directory, end = bytes(packed[at : packed.index(b"PK\x05\x06")]), bytes(packed[packed.index(b"PK\x05\x06") :])
    times = 1000
    lying = end[:8] + struct.pack("<HHLL", times, times, len(directory) * times, at) + end[20:]
    return bytes(packed[:at]) + directory * times + lying


def wrong_sum(_: float) -> bytes:
    packed = bytearray(zip_of(("a.xml", GOOD)))
    packed[packed.index(b"PK\x01\x02") + 16] ^= 0xFF
    packed[14] ^= 0xFF
    return bytes(packed)


def sparse(_: float) -> bytes:
    """A tar header that promises eight gigabytes."""
    info = member("a.xml")
    info.size = 2**33 - 1
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + GOOD)


FILES: tuple[Hostile, ...] = (
    # XML
    Hostile("entities in entities", "a.xml", lambda _: doctype(LAUGHS, "&j;"), says="DOCTYPE"),
    Hostile("external entity", "a.xml", lambda _: doctype("<!ENTITY x SYSTEM 'file:///etc/passwd'>", "&x;"), says="DOCTYPE"),
    Hostile("external parameter entity", "a.xml", lambda _: doctype("<!ENTITY % x SYSTEM 'http://127.0.0.1:9/x'>%x;", "a"), says="DOCTYPE"),
    Hostile("DOCTYPE in UTF-16", "a.xml", lambda _: doctype(LAUGHS, "&j;").decode().encode("utf-16"), says="DOCTYPE"),
    Hostile("XInclude", "a.xml", lambda _: suite(b"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>"), (0,)),
    Hostile("suites in suites", "a.xml", repeated(b"<testsuite>", MILLION), (3, 6)),
    Hostile("elements in elements", "a.xml", repeated(b"<a>", MILLION, b"<testsuite>"), (3, 6)),
    Hostile("elements in a failure", "a.xml", lambda size: suite(b"<failure>" + b"<b>" * n(MILLION, size) + b"</b>" * n(MILLION, size) + b"</failure>"), (0, 6)),
    Hostile("a million attributes", "a.xml", attributes, (0,)),
    Hostile("a million namespaces", "a.xml", lambda size: suite(b"", b"".join(b' xmlns:a%d="u%d"' % (k, k) for k in range(n(MILLION / 4, size)))), (0,)),
    Hostile("a million comments", "a.xml", repeated(b"<!-- -->", MILLION, b"<testsuite>", b"</testsuite>"), (3, 6)),
    Hostile("a million unclosed comments", "a.xml", repeated(b"<!-- ", MILLION, b"<testsuite>"), (3, 6)),
    Hostile("a million empty cases", "a.xml", repeated(b"<testcase/>", MILLION / 4, b"<testsuite>", b"</testsuite>"), (0, 6)),
    Hostile("one title of 20 MB", "a.xml", lambda size: b"<testsuite><testcase name='" + b"x" * n(2e7, size) + b"'/></testsuite>", (0, 6)),
    Hostile("a message of 100 MB", "a.xml", lambda size: suite(b"<failure>" + b"x y\n" * n(2.5e7, size) + b"</failure>"), (0,)),
    Hostile("a message of colour codes", "a.xml", lambda size: suite(b"<failure>" + b"\x1b[31m" * n(MILLION, size) + b"</failure>"), (0, 6)),
    Hostile("references to forbidden characters", "a.xml", lambda size: suite(b"<failure>" + b"&#0;&#xD800;" * n(MILLION, size) + b"</failure>"), (0, 6)),
    Hostile("a number of a million digits", "a.xml", lambda size: suite(b"", b" tests='" + b"9" * n(MILLION, size) + b"' time='1e" + b"9" * n(1000, size) + b"'"), (0, 6)),
    Hostile("a time stamp from nowhere", "a.xml", lambda _: suite(b"", b" timestamp='99999-99-99T99:99:99+99:99'"), (0, 6)),
    Hostile("duplicate attributes", "a.xml", lambda _: b"<testsuite a='1' a='2'>", (3, 6)),
    # bytes and encodings
    Hostile("NULs", "a.xml", lambda size: b"\0" * n(MILLION, size), (3,), "empty"),
    Hostile("NULs between letters", "a.xml", lambda _: b"\0".join(GOOD[k : k + 1] for k in range(len(GOOD))), (0, 6)),
    Hostile("lone surrogates", "a.xml", lambda _: suite(b"<failure>\xed\xa0\x80\xed\xb0\x80</failure>"), (0, 6)),
    Hostile("declared UTF-16, is UTF-8", "a.xml", lambda _: b"<?xml version='1.0' encoding='UTF-16'?>" + GOOD, (0, 6)),
    Hostile("declared UTF-7", "a.xml", lambda _: b"<?xml version='1.0' encoding='utf-7'?>" + GOOD, (0, 6)),
    Hostile("declared zip", "a.xml", lambda _: b"<?xml version='1.0' encoding='zip_codec'?>" + GOOD, (0, 6)),
    Hostile("two byte order marks", "a.xml", lambda _: b"\xff\xfe\xef\xbb\xbf" + GOOD, (0, 3, 6)),
    Hostile("noise", "a.xml", lambda _: bytes((k * 7919) % 256 for k in range(100_000)), (3,)),
    # compression and archives
    Hostile("a gigabyte of zeros", "a.xml.gz", gzip_of(b"\0" * 1024, GIGABYTE), (3,)),
    Hostile("a gigabyte of suites in suites", "a.xml.gz", gzip_of(b"<testsuite name='a'>", GIGABYTE), (3, 6)),
    Hostile("80 MB of suites in suites", "a.xml", repeated(b"<testsuite name='a'>", 4e6), (3, 6)),
    Hostile("80 MB of suites too many", "a.xml.gz", gzip_of(b"<testsuite name='a'>", 9e7), (3, 6)),
    Hostile("a gigabyte of text", "a.xml.gz", gzip_of(b"<testsuite><testcase name='a'>" + b"x" * 994, GIGABYTE), (3, 6)),
    Hostile("gzip in gzip", "a.xml.gz", lambda _: gzip.compress(gzip.compress(GOOD)), (3, 6)),
    Hostile("gzip cut short", "a.xml.gz", lambda _: gzip.compress(GOOD * 100)[:-20], (3,), "damaged"),
    Hostile("zip bomb", "a.zip", zip_bomb, (3, 6)),
    Hostile("zip with overlapping members", "a.zip", overlapping, (3, 6), "shares its bytes"),
    Hostile("zip of a hundred thousand members", "a.zip", many_members, (3, 6)),
    Hostile("zip with a wrong sum", "a.zip", wrong_sum, (3,), "damaged"),
    Hostile("zip member with ..", "a.zip", lambda _: zip_of(("../../etc/cron.d/a.xml", GOOD)), (3,), "leads out"),
    Hostile("zip member with an absolute path", "a.zip", lambda _: zip_of(("/etc/cron.d/a.xml", GOOD)), (3,), "leads out"),
    Hostile("zip member with a name of 60 kB", "a.zip", lambda _: zip_of(("x" * 60_000 + ".xml", GOOD)), (0, 6)),
    Hostile("zip member with escapes in its name", "a.zip", lambda _: zip_of(("\x1b]0;owned\x07\u202e.xml", GOOD)), (0,)),
    Hostile("tar member with ..", "a.tar.gz", lambda _: tar_of(member("../a.xml")), (3,), "leads out"),
    Hostile("tar link to a file", "a.tar.gz", lambda _: tar_of(member("a.xml", tarfile.SYMTYPE, "/etc/passwd")), (3,), "link"),
    Hostile("tar hard link", "a.tar.gz", lambda _: tar_of(member("a.xml", tarfile.LNKTYPE, "/etc/passwd")), (3,), "link"),
    Hostile("tar device", "a.tar.gz", lambda _: tar_of(member("a.xml", tarfile.CHRTYPE)), (3,), "link"),
    Hostile("tar that promises eight gigabytes", "a.tar.gz", sparse, (3,)),
)  # fmt: skip

DEEP = b"[" * 100_000 + b"]" * 100_000
POLICIES: tuple[tuple[str, bytes], ...] = (
    ("nothing but brackets", DEEP),
    ("arrays in arrays", b"x = " + DEEP),
    ("tables in tables", b"[" + b".".join([b"a"] * 50_000) + b"]"),
    ("inline tables in inline tables", b"x = " + b"{a=" * 20_000 + b"1" + b"}" * 20_000),
    ("a number of a hundred thousand digits", b"count_local = " + b"9" * 100_000),
    ("a date that is none", b"branch = 9999-99-99T99:99:99Z"),
    ("a duration without end", b"[waivers]\nmax_hours = inf"),
    ("no number", b"[quarantine]\nshare = nan"),
    ("NUL", b'branch = "a\0b"'),
    ("not UTF-8", b'branch = "\xff\xfe"'),
    ("lone surrogate", b'branch = "\\uD800"'),
    ("unclosed", b'branch = "'),
    ("a key of a megabyte", b"k" * 2**20 + b" = 1"),
    ("a hundred thousand keys", b"".join(b"k%d = 1\n" % k for k in range(100_000))),
    ("a gate that asks nothing", b"[gates.gate1.criteria]\n[gates.x]\ntitle = 'x'\ncriteria = {}"),
    ("wrong types", b"gates = 1\nareas = {}\nredact = []"),
)

DECISIONS: tuple[tuple[str, bytes], ...] = (
    ("nothing but brackets", DEEP),
    ("arrays in arrays", b"quarantine = " + DEEP),
    ("NUL", b'[[quarantine]]\nname = "a\0b"'),
    ("not UTF-8", b'[[quarantine]]\nname = "\xff"'),
    ("wrong types", b"quarantine = 1\nwaivers = 'x'"),
    ("unknown tables", b"[[pardon]]\nname = 'x'"),
    ("an end that is no date", b"[[quarantine]]\nname = 'x'\nuntil = 'never'"),
)

RUN_JSONS: tuple[tuple[str, bytes], ...] = (
    ("arrays in arrays", DEEP),
    ("objects in objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    ("a number of a hundred thousand digits", b'{"attempt": ' + b"9" * 100_000 + b"}"),
    ("wrong types", b'{"attempt": "x", "branch": 7, "reports": {"a": 1}}'),
    ("not UTF-8", b'{"branch": "\xff"}'),
    ("a time from nowhere", b'{"started_at": "99999-01-01T00:00:00Z"}'),
    ("no object", b"[]"),
    ("empty", b""),
    ("a date before all", b'{"started_at": "0001-01-01T00:00:00+14:00"}'),
)


def ends(files: dict[str, bytes], arguments: list[str], *, seconds: int, megabytes: int, name: str = "") -> Ending:
    """Run the command on `files` in a process that may take so much; killed by the system where it takes more."""
    with TemporaryDirectory(prefix="faults-") as place, TemporaryDirectory(prefix="faults-") as out:
        for file, data in files.items():
            (Path(place) / file).parent.mkdir(parents=True, exist_ok=True)
            (Path(place) / file).write_bytes(data)
        files.clear()
        said = Path(out) / "said"
        pid = os.fork()
        if not pid:
            _command(Path(place), said, arguments, seconds, megabytes)
        _, status, usage = os.wait4(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        used = usage.ru_utime + usage.ru_stime
        output = said.read_text(encoding="utf-8", errors="replace")
        return Ending(name, code, used, usage.ru_maxrss // 1024, output)


def _command(folder: Path, said: Path, arguments: list[str], seconds: int, megabytes: int) -> None:
    code = 99
    try:
        os.chdir(folder)
        target = os.open(said, os.O_WRONLY | os.O_CREAT)
        os.dup2(target, 1)
        os.dup2(target, 2)
        for name in ("CI", "GITHUB_ACTIONS", "FLAKELENS_DB"):
            os.environ.pop(name, None)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20, megabytes * 2**20))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8")
        from flakelens.cli import run

        code = run(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def tried(size: float, *, seconds: int, megabytes: int) -> Iterator[tuple[Hostile, Ending]]:
    """How `flakelens ingest` ends on each hostile file."""
    for hostile in FILES:
        files = {hostile.file: hostile.make(size)}
        yield hostile, ends(files, ["ingest", hostile.file], seconds=seconds, megabytes=megabytes, name=hostile.name)


def wrong_with(hostile: Hostile, ending: Ending) -> str:
    """What does not hold, "" if all does."""
    if ending.code not in hostile.exits:
        return f"{hostile.name}: exit code {ending.code}, not {hostile.exits}: {ending.output[-500:]}"
    if "Traceback" in ending.output or "root:" in ending.output:
        return f"{hostile.name}: {ending.output[-500:]}"
    if any(sign in ending.output for sign in ("\x1b", "\x07", "\u202e")):
        return f"{hostile.name}: control characters in the output"
    if hostile.says not in ending.output:
        return f"{hostile.name}: {hostile.says!r} is not said: {ending.output[-500:]}"
    return ""


def growing(path: Path, turns: int) -> int:
    """Read a report while another process writes it; how many different states were seen, each sane."""
    from flakelens.junit import read_paths

    whole = b"<testsuite>" + b"".join(b'<testcase name="t%d"><failure>x</failure></testcase>' % k for k in range(3000))
    whole += b"</testsuite>"
    pid = os.fork()
    if not pid:
        try:
            while True:
                with path.open("wb", buffering=0) as file:
                    for start in range(0, len(whole), 997):
                        file.write(whole[start : start + 997])
        finally:
            os._exit(0)
    seen = set()
    try:
        while not path.exists():
            time.sleep(0.001)
        deadline = time.monotonic() + 20  # on a busy machine the writer may not have its turn for a while
        while turns > 0 or (len(seen) < 2 and time.monotonic() < deadline):
            turns -= 1
            (report,) = read_paths([str(path)])
            names = [case.id.name for case in report.cases]
            assert names == [f"t{k}" for k in range(len(names))]
            assert report.damaged or len(names) == 3000
            seen.add(len(names))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return len(seen)
