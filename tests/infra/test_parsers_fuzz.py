"""Whatever bytes come, nothing but our own refusals comes out: each parser in this process, its memory measured."""

from __future__ import annotations

import gzip
import io
import random
import resource

import hostile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.infra.parsers import frames
from hardline.infra.parsers.child import counted
from hardline.infra.parsers.feed import Budget, Feed
from hardline.infra.parsers.reader import Reader
from hardline.infra.parsers.refusals import Found, refusal

NPY = hostile.npy(hostile.np.arange(12, dtype="u1").reshape(2, 2, 3)), hostile.npy(hostile.np.array([1, 0]))
SEEDS = {
    "csv": (hostile.spec("csv"), b'id,x,t\n1,0.5,"a,\n"\n2,,b\n'),
    "csv trim": (hostile.spec("csv", trim=True), b'id, x ,t\n 1, 0.5,"a "\n2 ,,b\n'),
    "gzip": (hostile.spec("csv", "gzip"), gzip.compress(b"id,x,t\n1,0.5,a\n", mtime=0)),
    "zstd": (hostile.spec("csv", "zstd"), hostile.zstd(b"id,x,t\n1,0.5,a\n")),
    "jsonl": (hostile.spec("jsonl"), hostile.LINE * 2 + b'{"id": 1, "x": null, "t": "a:b"}\n'),
    "parquet": (hostile.spec("parquet"), hostile.parquet(compression="none")),
    "parquet zstd": (hostile.spec("parquet"), hostile.parquet(compression="zstd")),
    "arrow stream": (hostile.spec("arrow"), hostile.arrow()),
    "arrow file": (hostile.spec("arrow"), hostile.arrow(kind="file")),
    "npz": (hostile.images("npz"), hostile.npz(image=NPY[0], label=NPY[1])),
    "npz stored": (hostile.images("npz"), hostile.npz(0, image=NPY[0], label=NPY[1])),
    "npy": (hostile.images("npy", max_whole_bytes=1 << 20), NPY[0]),
}
READERS = {name: Reader(spec) for name, (spec, _) in SEEDS.items()}


class Fed(io.BytesIO):
    """Files as the parent writes them."""

    def __init__(self, *files: tuple[str, bytes]) -> None:
        super().__init__(
            b"".join(
                frames.FEED.pack(frames.NAME, len(name)) + name.encode()
                + frames.FEED.pack(frames.CHUNK, len(data)) + data + frames.FEED.pack(frames.END, 0)
                for name, data in files
            )
        )  # fmt: skip


def parsed(name: str, data: bytes) -> str:
    """The code of the refusal, or `ok`; any other exception is the finding."""
    spec, _ = SEEDS[name]
    reader = READERS[name]
    if spec.format == "npy":
        reader = Reader(spec)
    files = [("image.npy", data), ("label.npy", NPY[1])] if spec.format == "npy" else [("file", data)]
    feed = Feed(Fed(*files))  # type: ignore[arg-type]
    try:
        while (file := feed.next_file()) is not None:
            for batch in counted(reader.batches(feed, file), Budget(spec, lambda: feed.count)):
                batch.validate(full=True)
    except Found as found:
        error = refusal(spec, found.to_bytes())
        assert "never says" not in str(error)
        return error.code
    return "ok"


@pytest.mark.parametrize("name", SEEDS)
def test_the_seed_is_taken(name):
    assert parsed(name, SEEDS[name][1]) == "ok"


@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.binary(max_size=300))
def test_any_bytes(name, data):
    parsed(name, data)
    parsed(name, SEEDS[name][1][:8] + data)


@pytest.mark.parametrize("name", SEEDS)
@settings(max_examples=250, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_a_good_file_with_some_bytes_changed(name, seed):
    draw, data = random.Random(seed), bytearray(SEEDS[name][1])
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data))
        kind = draw.randrange(5)
        if kind == 0:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[at] = draw.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            data[at : at + 4] = draw.choice((b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\x80"))
        elif kind == 3:
            del data[at : at + draw.randint(1, 8)]
        else:
            data[at:at] = data[draw.randrange(len(data)) :][: draw.randint(1, 16)]
        data = data or bytearray(b"x")
    parsed(name, bytes(data))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=st.text(alphabet='{}[]":,0123456789.-+eE \\untrlfasidx\n', max_size=60))
def test_json_lines_of_json_letters(text):
    parsed("jsonl", text.encode())
    parsed("jsonl", b'{"id": 1, "x": ' + text.encode() + b', "t": "a"}\n')


def test_memory_stayed_bounded():
    """Of this whole module, which met every file above; a lie about a length would show as gigabytes."""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_500_000, "KiB"
