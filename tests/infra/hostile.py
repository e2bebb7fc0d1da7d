"""Files that a stranger might send, made here, each with the code that it must be refused for.

`cases()` makes all of them; nothing is stored. What must be taken stands here too, with the code `ok`, so that a parser
that refuses everything fails.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from hardline.infra.parsers.spec import CsvSpec, Spec, Tensor

COLUMNS = (("id", "integer", False), ("x", "number", True), ("t", "text", True))
IMAGES = (("image", "tensor", False), ("label", "category", False))
TABLE = pa.table({"id": [1, 2, 3], "x": [0.5, None, -1.0], "t": ["a", "", "c"]})
SMALL = {"max_cell_bytes": 1000, "batch_bytes": 1 << 16, "free_bytes": 1 << 20, "max_ratio": 50}
LINE = b'{"id": 1, "x": 0.5, "t": "a"}\n'


@dataclass(frozen=True)
class Case:
    """One source, and the code of its refusal."""

    name: str
    spec: Spec
    files: tuple[tuple[str, bytes], ...]
    code: str


def spec(format_: str, compression: str = "none", **options: Any) -> Spec:
    """For `COLUMNS`, with small limits."""
    kind = CsvSpec if format_ == "csv" else Spec
    return kind(**{"columns": COLUMNS, "format": format_, "compression": compression, **SMALL, **options})


def images(format_: str, dtype: str = "uint8", shape: tuple[int, ...] = (2, 3), **options: Any) -> Spec:
    """For `IMAGES`."""
    return Spec(**{"columns": IMAGES, "format": format_, "tensor": Tensor(dtype, shape), **SMALL, **options})


def parquet(table: pa.Table = TABLE, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def arrow(table: pa.Table = TABLE, kind: str = "stream", **options: Any) -> bytes:
    sink = io.BytesIO()
    with getattr(ipc, f"new_{kind}")(sink, table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, "zstd", asbytes=True))


def npy(array: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, **options)
    return sink.getvalue()


def npy_header(text: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(text) + 1) + text.encode() + b"\n" + data


def npz(packing: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name if "." in name or "/" in name else f"{name}.npy", data)
    return sink.getvalue()


def cases() -> list[Case]:
    """All of them."""
    found = []
    for made in (_csv, _compressed, _jsonl, _parquet, _arrow, _numpy, _npy):
        for name, stated, data, code in made():
            files = data if isinstance(data, tuple) else (("file", data),)
            found.append(Case(f"{made.__name__[1:]}: {name}", stated, files, code))
    assert len({case.name for case in found}) == len(found)
    return found


Made = Iterator[tuple[str, Spec, Any, str]]


def _csv() -> Made:
    head = b"id,x,t\n"
    for name, data, code in (
        ("good", head + b"1,0.5,a\n", "ok"),
        ("nothing", b"", "empty"),
        ("NUL", head + b"1,2,a\0\n", "nul"),
        ("lone quote", head + b'1,2,a"b\n', "quote"),
        ("open quote", head + b'1,2,"a\n' + b"3,4,b\n" * 99, "quote"),
        ("open quote of a mebibyte", head + b'1,2,"' + b"a\n" * (1 << 19), "quote"),
        ("one line without end", head + b"1,2," + b"a" * (1 << 20), "cell-size"),
        ("UTF-16", "id,x,t\n1,2,a\n".encode("utf-16"), "format"),
        ("UTF-16 without mark", "id,x,t\n1,2,a\n".encode("utf-16-le"), "nul"),
        ("byte order mark", b"\xef\xbb\xbf" + head + b"1,2,a\n", "ok"),
        ("Latin-1", head + b"1,2,\xe9\n", "utf-8"),
        ("overlong UTF-8", head + b"1,2,\xc0\x80\n", "utf-8"),
        ("number beyond float64", head + b"1,1e400,a\n", "ok"),  # infinity, which validation refuses
        ("hexadecimal integer", head + b"0x10,2,a\n", "value"),
        ("formula for a number", head + b"1,=1+1,a\n", "value"),
        ("formula as text", head + b"1,2,=cmd|' /C calc'!A0\n", "ok"),
        ("duplicate header", b"id,x,x\n1,2,a\n", "header"),
        ("reordered header", b"t,id,x\na,1,2\n", "ok"),
        ("no header", b"1,2,a\n", "header"),
        ("CR line ends", b"id,x,t\r1,2,a\r", "line-end"),
        ("short row", head + b"1,2\n", "row-length"),
        ("long row", head + b"1,2,a,b\n", "row-length"),
        ("gzip", gzip.compress(head + b"1,2,a\n"), "format"),
        ("zstd", zstd(head + b"1,2,a\n"), "format"),
        ("zip", npz(a=b"1"), "format"),
        ("Parquet", parquet(), "format"),
        ("Arrow", arrow(), "format"),
        ("empty cells without end", head + b",,\n" * (1 << 20), "ok"),
    ):
        yield name, spec("csv"), data, code
    yield "blanks where they are trimmed", spec("csv", trim=True), b"id, x ,t\n 1 ,\t2 , a \n", "ok"
    yield "blanks in quotes are kept", spec("csv", trim=True), b'id,x,t\n1, 2 ,"a , b "\n', "ok"
    yield "a blank before a quote, trimmed", spec("csv", trim=True), head + b'1,2, "a"\n', "quote"
    yield (
        "a mebibyte of blanks, trimmed",
        spec("csv", trim=True),
        head + b"1,2,a" + b" " * (1 << 16) + b"b\n",
        "cell-size",
    )
    yield "second file of another header", spec("csv"), (("a", head + b"1,2,a\n"), ("b", b"id,x,u\n1,2,a\n")), "header"
    yield "second file empty", spec("csv"), (("a", head + b"1,2,a\n"), ("b", b"")), "empty"


def _compressed() -> Made:
    text = b"id,x,t\n" + b"1,0.5,a\n" * 1000
    bomb = b"id,x,t\n" + b"1,0.5,aaaaaaaaaa\n" * (1 << 20)
    for kind, pack in (("gzip", lambda data: gzip.compress(data, mtime=0)), ("zstd", zstd)):
        good = pack(text)
        corrupt = bytearray(good)
        corrupt[len(good) // 2] ^= 0xFF
        for name, data, code in (
            ("good", good, "ok"),
            ("two members", good + pack(b"1,2,b\n"), "ok"),
            ("nothing", b"", "empty"),
            ("an empty member", pack(b""), "empty"),
            ("a bomb", pack(bomb), "limits"),
            ("a bomb of zeros", pack(bytes(64 << 20)), "cell-size"),
            ("cut in the middle", good[: len(good) // 2], "damaged"),
            ("cut before the end", good[:-3], "damaged"),
            ("cut in the header", good[:6], "damaged"),
            ("trailing text", good + b"garbage", "damaged"),
            ("trailing zeros", good + bytes(16), "damaged"),
            ("cut second member", good + pack(text)[:9], "damaged"),
            ("not compressed", text, "format"),
            ("the other compression", zstd(text) if kind == "gzip" else gzip.compress(text), "format"),
            ("compressed twice", pack(good), "format"),
        ):
            yield f"{kind}, {name}", spec("csv", kind), data, code
    corrupt = bytearray(gzip.compress(text, mtime=0))
    corrupt[-6] ^= 1
    yield "gzip, wrong checksum", spec("csv", "gzip"), bytes(corrupt), "damaged"
    yield "zstd, skippable frame first", spec("csv", "zstd"), b"\x50\x2a\x4d\x18\3\0\0\0abc" + zstd(text), "ok"
    yield "gzip of Parquet", spec("parquet", "gzip"), gzip.compress(parquet()), "ok"


def _jsonl() -> Made:
    for name, line, code in (
        ("good", LINE, "ok"),
        ("nulls", b'{"id": 1, "x": null, "t": null}\n', "ok"),
        ("no line feed at the end", LINE[:-1], "ok"),
        ("CRLF", LINE[:-1] + b"\r\n", "ok"),
        ("any order of keys", b'{"t": "a", "x": 1, "id": 1}\n', "ok"),
        ("an escaped key", b'{"\\u0069d": 1, "x": 0.5, "t": "a"}\n', "ok"),
        ("duplicate key", b'{"id": 1, "id": 2, "x": 0.5, "t": "a"}\n', "columns"),
        ("duplicate key, other spelling", b'{"id": 1, "\\u0069d": 2, "x": 0.5, "t": "a"}\n', "columns"),
        ("missing key", b'{"id": 1, "x": 0.5}\n', "columns"),
        ("unknown key", b'{"id": 1, "x": 0.5, "t": "a", "u": 1}\n', "columns"),
        ("missing key beside a colon", b'{"id": 1, "t": "a:b"}\n', "columns"),
        ("deep nesting", b'{"id": ' + b"[" * 30_000 + b"]" * 30_000 + b"}\n", "syntax"),
        ("deep objects", b'{"id":' * 9_000 + b"1" + b"}" * 9_000 + b"\n", "syntax"),
        ("nested value", b'{"id": 1, "x": 0.5, "t": {"a": 1}}\n', "value"),
        ("list value", b'{"id": 1, "x": [0.5], "t": "a"}\n', "value"),
        ("blank line", LINE + b"\n" + LINE, "syntax"),
        ("two objects and a blank line", LINE[:-1] + LINE + b"\n", "syntax"),
        ("two objects and a blank line inside", LINE[:-1] + LINE + b"\n" + LINE, "syntax"),
        ("one array", b"[" + LINE[:-1] + b"]\n", "syntax"),
        ("a number", b"1\n", "syntax"),
        ("text after the object", LINE[:-1] + b" x\n", "syntax"),
        ("trailing comma", b'{"id": 1, "x": 0.5, "t": "a",}\n', "syntax"),
        ("comment", b'{"id": 1, "x": 0.5, "t": "a"} // a\n', "syntax"),
        ("object over two lines", b'{"id": 1,\n"x": 0.5, "t": "a"}\n', "syntax"),
        ("NaN", b'{"id": 1, "x": NaN, "t": "a"}\n', "syntax"),
        ("Infinity", b'{"id": 1, "x": -Infinity, "t": "a"}\n', "syntax"),
        ("1e400", b'{"id": 1, "x": 1e400, "t": "a"}\n', "value"),
        ("10,000 digits", b'{"id": ' + b"9" * 10_000 + b', "x": 1, "t": "a"}\n', "syntax"),
        ("integer with point", b'{"id": 1.0, "x": 0.5, "t": "a"}\n', "value"),
        ("integer with exponent", b'{"id": 1e3, "x": 0.5, "t": "a"}\n', "value"),
        ("integer of 65 bits", b'{"id": 9223372036854775808, "x": 0.5, "t": "a"}\n', "value"),
        ("integer as text", b'{"id": "1", "x": 0.5, "t": "a"}\n', "value"),
        ("number as true", b'{"id": 1, "x": true, "t": "a"}\n', "value"),
        ("integer as true", b'{"id": true, "x": 0.5, "t": "a"}\n', "value"),
        ("text as number", b'{"id": 1, "x": 0.5, "t": 7}\n', "value"),
        ("leading zero", b'{"id": 01, "x": 0.5, "t": "a"}\n', "syntax"),
        ("hexadecimal", b'{"id": 0x1, "x": 0.5, "t": "a"}\n', "syntax"),
        ("half a surrogate pair", b'{"id": 1, "x": 0.5, "t": "\\ud800"}\n', "utf-8"),
        ("escaped NUL", b'{"id": 1, "x": 0.5, "t": "\\u0000"}\n', "nul"),
        ("NUL", b'{"id": 1, "x": 0.5, "t": "a"}\0\n', "nul"),
        ("control character", b'{"id": 1, "x": 0.5, "t": "a\tb"}\n', "syntax"),
        ("not UTF-8", b'{"id": 1, "x": 0.5, "t": "\xff"}\n', "utf-8"),
        ("byte order mark", b"\xef\xbb\xbf" + LINE, "syntax"),
        ("long text", b'{"id": 1, "x": 0.5, "t": "' + b"a" * 2000 + b'"}\n', "cell-size"),
        ("a line without end", b'{"id": 1, "x": 0.5, "t": "' + b"a" * (1 << 20), "cell-size"),
        ("single quotes", b"{'id': 1, 'x': 0.5, 't': 'a'}\n", "syntax"),
        ("CSV", b"id,x,t\n1,2,a\n", "syntax"),
    ):
        yield name, spec("jsonl"), line, code
    dated = spec("jsonl", columns=(("d", "date", True), ("b", "boolean", True)))
    yield "date and truth", dated, b'{"d": "2024-02-29", "b": true}\n', "ok"
    yield "a date that is none", dated, b'{"d": "2024-02-30", "b": true}\n', "value"
    yield "a date with a time", dated, b'{"d": "2024-02-29T00:00", "b": true}\n', "value"
    yield "truth as a number", dated, b'{"d": null, "b": 1}\n', "value"


def _lying_footer() -> bytes:
    """Statistics that say the largest value is 1, over a page that holds 99 (shared notes on validation, 4)."""
    table = pa.table({"id": [1, 2], "x": [0.5, 99.0], "t": ["a", "b"]})
    data = bytearray(parquet(table, compression="none", use_dictionary=False, write_statistics=True))
    (length,) = struct.unpack("<I", data[-8:-4])
    start = len(data) - 8 - length
    while (at := data.find(struct.pack("<d", 99.0), start)) >= 0:
        data[at : at + 8] = struct.pack("<d", 1.0)
    return bytes(data)


def _parquet() -> Made:
    data = parquet()
    page = bytearray(
        parquet(compression="none", use_dictionary=False, write_page_checksum=True, write_statistics=False)
    )
    page[page.index(struct.pack("<d", -1.0))] ^= 0xFF
    footer = bytearray(data)
    footer[-8 - struct.unpack("<I", data[-8:-4])[0] + 2] ^= 0xFF
    long = bytearray(data)
    long[-8:-4] = struct.pack("<I", 0x7FFFFFFF)
    wide = {"id": pa.array([1, 2], pa.int32()), "x": pa.array([0.5, 1.5], pa.float32())}
    base = {"id": pa.array([1, 2]), "x": pa.array([0.5, 1.5]), "t": pa.array(["a", "b"])}
    for name, data_, code in (
        ("good", data, "ok"),
        ("narrow numbers and a dictionary", parquet(pa.table({**wide, "t": base["t"].dictionary_encode()})), "ok"),
        ("large text", parquet(pa.table({**base, "t": base["t"].cast(pa.large_string())})), "ok"),
        ("lying statistics", _lying_footer(), "ok"),  # what is read is what the pages say: see the test beside
        ("nothing", b"", "empty"),
        ("magic alone", b"PAR1PAR1", "damaged"),
        ("cut", data[:-20], "damaged"),
        ("a footer that points outside", bytes(long), "damaged"),
        ("a damaged footer", bytes(footer), "damaged"),
        ("a page with a wrong checksum", bytes(page), "damaged"),
        ("no rows", parquet(TABLE.slice(0, 0)), "no-rows"),
        ("another column", parquet(TABLE.append_column("u", pa.array([1, 2, 3]))), "columns"),
        ("a column missing", parquet(TABLE.drop_columns("t")), "columns"),
        (
            "a column twice",
            parquet(pa.Table.from_arrays([base["id"], base["x"], base["x"]], names=["id", "x", "x"])),
            "columns",
        ),
        ("text for a number", parquet(pa.table({**base, "x": base["t"]})), "type"),
        ("integers for a number", parquet(pa.table({**base, "x": base["id"]})), "type"),
        ("unsigned integers of 64 bits", parquet(pa.table({**base, "id": pa.array([1, 2], pa.uint64())})), "type"),
        ("a struct", parquet(pa.table({**base, "t": pa.array([{"a": 1}, {"a": 2}])})), "type"),
        ("a list", parquet(pa.table({**base, "t": pa.array([["a"], ["b"]])})), "type"),
        (
            "a map",
            parquet(pa.table({**base, "t": pa.array([[("a", 1)]] * 2, pa.map_(pa.string(), pa.int64()))})),
            "type",
        ),
        (
            "a timestamp",
            parquet(pa.table({**base, "t": pa.array([1, 2], pa.timestamp("us", "Europe/Berlin"))})),
            "type",
        ),
        ("a decimal", parquet(pa.table({**base, "x": pa.array([1, 2]).cast(pa.decimal128(30, 2))})), "type"),
        ("binary for text", parquet(pa.table({**base, "t": pa.array([b"a", b"\xff"])})), "type"),
        ("nulls alone", parquet(pa.table({**base, "t": pa.nulls(2)})), "type"),
        ("a long text", parquet(pa.table({**base, "t": ["a", "b" * 2000]})), "cell-size"),
        ("a NUL in a text", parquet(pa.table({**base, "t": ["a", "b\0"]})), "nul"),
        ("CSV", b"id,x,t\n1,2,a\n", "format"),
        ("encrypted", b"PARE" + data[4:], "format"),
    ):
        yield name, spec("parquet"), data_, code
    no_text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(struct.pack("<2i", 0, 2)), pa.py_buffer(b"\xff\xfe")]
    )
    yield "text that is no UTF-8", spec("parquet"), parquet(pa.table({"id": [1], "x": [1.0], "t": no_text})), "utf-8"
    bomb = pa.table({"id": pa.array(np.zeros(1 << 20, np.int64)), "x": np.zeros(1 << 20), "t": ["a" * 99] * (1 << 20)})
    yield "a bomb by dictionary", spec("parquet"), parquet(bomb, compression="zstd"), "limits"
    groups = spec("parquet", max_group_bytes=1 << 20, free_bytes=1 << 30)
    yield "a row group too large", groups, parquet(bomb, compression="zstd", use_dictionary=False), "limits"
    yield "larger than memory", spec("parquet", max_whole_bytes=1 << 12), data + bytes(1 << 13), "limits"
    dates = spec("parquet", columns=(("d", "date", True), ("id", "integer", True)))
    for name, values, code in (
        ("date", pa.array([0, None], pa.date32()), "ok"),
        ("a timestamp for a date", pa.array([0, 1], pa.timestamp("ms")), "type"),
        ("a date beyond the calendar", pa.array([0, 1 << 30], pa.date32()), "value"),
    ):
        yield name, dates, parquet(pa.table({"d": values, "id": [1, 2]})), code
    flat = pa.FixedSizeListArray.from_arrays(pa.array(range(12), pa.uint8()), 6)
    for name, values, code in (
        ("images", flat, "ok"),
        ("images as variable lists", flat.cast(pa.list_(pa.uint8())), "ok"),
        ("images of the wrong size", pa.FixedSizeListArray.from_arrays(pa.array(range(8), pa.uint8()), 4), "type"),
        ("images of two sizes", pa.array([[1] * 6, [1] * 5], pa.list_(pa.uint8())), "value"),
        ("an image missing", pa.array([[1] * 6, None], pa.list_(pa.uint8(), 6)), "value"),
        ("an image with a gap", pa.array([[1] * 6, [1] * 5 + [None]], pa.list_(pa.uint8(), 6)), "value"),
        ("images of another type", flat.cast(pa.list_(pa.int16(), 6)), "type"),
        (
            "images by extension type",
            pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.uint8(), (2, 3)), flat),
            "ok",
        ),
        ("images turned over", pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.uint8(), (3, 2)), flat), "type"),
    ):
        yield name, images("parquet"), parquet(pa.table({"image": values, "label": ["a", "b"]})), code


def _arrow() -> Made:
    stream, file = arrow(), arrow(kind="file")
    changed = bytearray(stream)
    changed[len(stream) // 2] ^= 0x40
    for name, data, code in (
        ("stream", stream, "ok"),
        ("file", file, "ok"),
        ("compressed buffers", arrow(compression="zstd"), "ok"),
        ("stream without its end", stream[:-8], "damaged"),
        ("stream cut", stream[:-60], "damaged"),
        ("stream followed by more", stream + b"more", "damaged"),
        ("two streams", stream + stream, "damaged"),
        ("file cut", file[:-40], "damaged"),
        ("file with a footer elsewhere", file[:-10] + struct.pack("<i", 1 << 28) + file[-6:], "damaged"),
        ("magic alone", b"ARROW1\0\0", "damaged"),
        ("no rows", arrow(TABLE.slice(0, 0)), "no-rows"),
        (
            "a view of a union",
            arrow(
                pa.table(
                    {
                        "id": [1],
                        "x": [1.0],
                        "t": pa.UnionArray.from_dense(
                            pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array(["a"])]
                        ),
                    }
                )
            ),
            "type",
        ),
        ("run ends", arrow(pa.table({"id": [1], "x": [1.0], "t": pc_runs(["a"])})), "type"),
        ("a message of gigabytes", b"\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(64), "damaged"),
        ("Parquet", parquet(), "format"),
    ):
        yield name, spec("arrow"), data, code
    far = bytearray(arrow(pa.table({"id": [1], "x": [1.0], "t": ["a" * 0x123]})))
    at = far.index(b"\0\0\0\0" + struct.pack("<i", 0x123)) + 4
    far[at : at + 4] = b"\xff\xff\xff\x7f"
    yield "an offset outside of the text", spec("arrow"), bytes(far), "damaged"


def pc_runs(values: list[str]) -> pa.Array:
    import pyarrow.compute as pc

    return pc.run_end_encode(pa.array(values))


def _numpy() -> Made:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    label = np.array([1, 0])
    a, b = npy(image), npy(label)
    good = npz(image=a, label=b)
    encrypted = bytearray(npz(zipfile.ZIP_STORED, image=a, label=b))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(magic) + offset] |= 1
    wrong = bytearray(npz(zipfile.ZIP_STORED, image=a, label=b))
    wrong[wrong.index(image.tobytes())] ^= 1
    lying = bytearray(npz(zipfile.ZIP_STORED, image=a, label=b))
    at = lying.index(b"PK\x01\x02")
    lying[at + 24 : at + 28] = struct.pack("<I", 1 << 30)
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("image.npy", a)
        archive.writestr("label.npy", b)
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            archive.writestr("label.npy", b)
    objects = npy(np.array([{}, 1], dtype=object), allow_pickle=True)
    zeros = npz(image=npy(np.zeros((1 << 20, 2, 3), np.uint8)), label=npy(np.zeros(1 << 20, np.int64)))
    for name, data, code in (
        ("good", good, "ok"),
        ("stored", npz(zipfile.ZIP_STORED, image=a, label=b), "ok"),
        ("Fortran order", npz(image=npy(np.asfortranarray(image)), label=b), "ok"),
        ("labels as text", npz(image=a, label=npy(np.array(["a", "\u00e9"]))), "ok"),
        ("big-endian labels", npz(image=a, label=npy(label.astype(">i4"))), "ok"),
        ("pickled labels", npz(image=a, label=objects), "type"),
        ("pickled images", npz(image=objects, label=b), "type"),
        ("a structure", npz(image=a, label=npy(np.zeros(2, [("a", "i4")]))), "type"),
        ("complex labels", npz(image=a, label=npy(label.astype(complex))), "type"),
        ("bytes as labels", npz(image=a, label=npy(np.array([b"a", b"b"]))), "type"),
        ("labels as floats", npz(image=a, label=npy(label.astype(float))), "type"),
        ("images of another shape", npz(image=npy(image.reshape(2, 3, 2)), label=b), "type"),
        ("images without rows", npz(image=npy(image[:0]), label=npy(label[:0])), "no-rows"),
        ("a single image", npz(image=npy(image[0]), label=b), "type"),
        ("a scalar", npz(image=npy(np.uint8(1)), label=b), "type"),
        ("images as floats", npz(image=npy(image.astype(np.float32)), label=b), "type"),
        ("more labels than images", npz(image=a, label=npy(np.zeros(3, int))), "rows"),
        ("an array missing", npz(image=a), "columns"),
        ("another array", npz(image=a, label=b, extra=b), "columns"),
        ("an array twice", twice.getvalue(), "member"),
        ("an absolute member", npz(**{"/image.npy": a, "label": b}), "columns"),
        ("a member above the folder", npz(**{"../image.npy": a, "label": b}), "columns"),
        ("a member in a folder", npz(**{"x/image.npy": a, "label": b}), "columns"),
        ("an encrypted member", bytes(encrypted), "member"),
        ("packed by bzip2", npz(zipfile.ZIP_BZIP2, image=a, label=b), "member"),
        ("a wrong checksum", bytes(wrong), "damaged"),
        ("a size that lies", bytes(lying), "damaged"),
        ("cut", good[: len(good) // 2], "damaged"),
        ("no member", b"PK\x05\x06" + bytes(18), "columns"),
        ("an empty member", npz(image=b"", label=b), "damaged"),
        ("bytes after the array", npz(image=a + b"x", label=b), "damaged"),
        ("fewer bytes than the shape says", npz(image=a[:-1], label=b), "damaged"),
        ("a header of code", npz(image=npy_header("__import__('os').system('true')"), label=b), "damaged"),
        ("a header that nests", npz(image=npy_header("(" * 5000), label=b), "damaged"),
        (
            "a negative shape",
            npz(image=npy_header("{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 2, 3)}"), label=b),
            "type",
        ),
        (
            "2 ** 60 images",
            npz(
                image=npy_header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({1 << 60}, 2, 3)}}"),
                label=npy_header(f"{{'descr': '<i8', 'fortran_order': False, 'shape': ({1 << 60},)}}"),
            ),
            "damaged",
        ),
        (
            "2 ** 60 images in Fortran order",
            npz(image=npy_header(f"{{'descr': '|u1', 'fortran_order': True, 'shape': ({1 << 60}, 2, 3)}}"), label=b),
            "limits",
        ),
        ("a later version", npz(image=npy_header("{}", version=b"\3\0"), label=b), "damaged"),
        ("a zip bomb", zeros, "limits"),
        ("an NPY file", a, "format"),
        ("a truncated archive comment", good[:-1], "damaged"),
    ):
        yield name, images("npz"), data, code
    floats = np.array([[[0, 1, np.nan]] * 2] * 2, np.float32)
    stated = images("npz", "float32")
    yield "NaN in an image", stated, npz(image=npy(floats), label=b), "ok"  # validation refuses the row
    yield "big-endian images", stated, npz(image=npy(floats.astype(">f4")), label=b), "ok"
    yield "images of float64", stated, npz(image=npy(floats.astype(float)), label=b), "type"
    truths = spec("npz", columns=(("b", "boolean", False), ("i", "integer", False)))
    yield (
        "truth of two",
        truths,
        npz(b=npy_header("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", b"\2"), i=npy(np.ones(1, int))),
        "value",
    )
    yield "unsigned integers of 64 bits", truths, npz(b=npy(np.ones(1, bool)), i=npy(np.ones(1, np.uint64))), "type"
    dates = spec("npz", columns=(("d", "date", True), ("x", "number", True)))
    days, numbers = np.array(["2024-02-29", "NaT"], "M8[D]"), npy(np.ones(2, "f4"))
    yield "dates", dates, npz(d=npy(days), x=numbers), "ok"
    yield "nanoseconds for dates", dates, npz(d=npy(days.astype("M8[ns]")), x=numbers), "type"
    yield "days beyond the calendar", dates, npz(d=npy(np.array([1 << 40, 0]).astype("M8[D]")), x=numbers), "value"


def _npy() -> Made:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    a, b = npy(image), npy(np.array([1, 0]))
    for name, files, code in (
        ("good", (("image.npy", a), ("label.npy", b)), "ok"),
        ("any order", (("label.npy", b), ("image.npy", a)), "ok"),
        ("one file alone", (("image.npy", a),), "columns"),
        ("one file twice", (("image.npy", a), ("image.npy", a)), "columns"),
        ("another name", (("image.npy", a), ("y.npy", b)), "columns"),
        ("three files", (("image.npy", a), ("label.npy", b), ("label.npy", b)), "columns"),
        ("lengths differ", (("image.npy", a), ("label.npy", npy(np.zeros(3, int)))), "rows"),
        ("pickled", (("image.npy", a), ("label.npy", npy(np.array([{}, 1], dtype=object), allow_pickle=True))), "type"),
        ("cut", (("image.npy", a[:-1]), ("label.npy", b)), "damaged"),
        ("an archive", (("image.npy", npz(image=a)), ("label.npy", b)), "format"),
    ):
        yield name, images("npy"), files, code
    packed = (("image.npy.gz", gzip.compress(a)), ("label.npy.gz", gzip.compress(b)))
    yield "compressed", images("npy", compression="gzip"), packed, "ok"
