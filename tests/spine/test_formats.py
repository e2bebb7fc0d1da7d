"""Each format the whole way: accepted, published, verified, opened, and the same numbers come out."""

from __future__ import annotations

import gzip
import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import hardline

ROWS = 240
RNG = np.random.default_rng(7)
TABLE = pa.table({
    "size": RNG.uniform(0, 10, ROWS).round(3),
    "count": RNG.integers(0, 100, ROWS),
    "kind": np.where(np.arange(ROWS) % 2, "good", "bad").tolist(),
})  # fmt: skip
IMAGES = RNG.integers(0, 256, (ROWS, 4, 5), dtype=np.uint8)
LABELS = (np.arange(ROWS) % 2).astype(np.int64)

PLAIN = """
      - {name: size, logicalType: number, required: true, customProperties: [
          {property: valid, value: [0, 10]}, {property: scale, value: [0, 10]}, {property: epsilon, value: 0.1}]}
      - {name: count, logicalType: integer, required: true, customProperties: [
          {property: valid, value: [0, 100]}, {property: scale, value: [0, 100]}]}
      - {name: kind, logicalType: string, required: true, customProperties: [
          {property: type, value: category}, {property: group, value: label}, {property: levels, value: [good, bad]}]}
"""
PICTURES = """
      - {name: image, logicalType: array, required: true, customProperties: [
          {property: type, value: tensor}, {property: dtype, value: DTYPE}, {property: shape, value: [4, 5]},
          {property: valid, value: [0, 255]}, {property: scale, value: [0, 255]}, {property: epsilon, value: 0.03}]}
      - {name: kind, logicalType: string, required: true, customProperties: [
          {property: type, value: category}, {property: group, value: label}, {property: levels, value: ["0", "1"]}]}
"""


def contract(name: str, source: str, columns: str, label: str = "kind", evades: str = "bad") -> str:
    return f"""apiVersion: v3.0.2
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
customProperties:
  - {{property: label, value: {label}}}
  - {{property: split, value: {{train: 70}}}}
  - {{property: visibility, value: confidential}}
  - {{property: quarantine, value: {{percent: 5, rows: 9}}}}
  - {{property: floors, value: {{clean: 0.1, robust: 0}}}}
  - {{property: source, value: {source}}}
  - {{property: threat, value: {{norm: linf, evades: ["{evades}"]}}}}
schema:
  - name: rows
    properties:{columns}"""


def accepted(home, folder, text: str, columns: list[str]):
    folder.mkdir()
    (folder / "contract.odcs.yaml").write_text(text)
    name = next(line for line in text.splitlines() if line.startswith("name: ")).removeprefix("name: ")
    suite = {
        "name": name,
        "meta": {"great_expectations_version": "1.24.1"},
        "expectations": [
            {"type": type_, "kwargs": kwargs, "meta": {"reason": "a test"}}
            for type_, kwargs in (
                ("expect_table_columns_to_match_ordered_list", {"column_list": columns}),
                ("expect_table_row_count_to_be_between", {"min_value": 10, "max_value": 1000}),
                *(("expect_column_values_to_not_be_null", {"column": c}) for c in columns if c != "image"),
            )
        ],
    }
    (folder / "suite.json").write_text(json.dumps(suite))
    hardline.accept(folder, home=home)
    return name


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formats")
    before = dict(os.environ)
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    hardline.init(home=folder / "home")
    yield folder / "home"
    os.environ.clear()
    os.environ.update(before)


def csv_lines(table):
    return "".join(f"{r['size']!r},{r['count']},{r['kind']}\n" for r in table.to_pylist())


def as_parquet(folder):
    pq.write_table(TABLE, folder / "rows.parquet", row_group_size=100)
    return folder / "rows.parquet", ["rows.parquet"]


def as_json_lines(folder):
    text = "".join(json.dumps(row) + "\n" for row in TABLE.to_pylist())
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return folder / "rows.jsonl.gz", ["rows.jsonl.gz"]


def as_folder(folder):
    for number in range(4):
        (folder / "sub").mkdir(exist_ok=True)
        part = TABLE.slice(number * 60, 60)
        (folder / "sub" / f"{number}.csv").write_text("size,count,kind\n" + csv_lines(part))
    return folder, [f"sub/{number}.csv" for number in range(4)]


def as_pattern(folder):
    for number in range(2):
        pq.write_table(TABLE.slice(number * 120, 120), folder / f"{number}.parquet")
    return folder / "*.parquet", ["0.parquet", "1.parquet"]


FORMS = {
    "parquet": (as_parquet, "{format: parquet}"),
    "json-lines": (as_json_lines, "{format: jsonl, compression: gzip}"),
    "csv-folder": (as_folder, "{format: csv}"),
    "parquet-pattern": (as_pattern, "{format: parquet}"),
}


def opened(home, reference):
    found = []
    for role, split in (("trainer", "train"), ("assessor", "test")):
        with hardline.open_dataset(reference, role=role, home=home) as data:
            found.append((data.arrays(split), data.to_arrow(split), data.manifest))
    return found


@pytest.mark.parametrize("name", FORMS)
def test_a_table_in_every_format(home, tmp_path, name):
    make, stated = FORMS[name]
    (tmp_path / "source").mkdir()
    source, files = make(tmp_path / "source")
    accepted(home, tmp_path / "contract", contract(name, stated, PLAIN), TABLE.column_names)
    made = hardline.publish(str(source), name, home=home)
    assert made.dataset.rows_accepted == ROWS and made.created
    assert hardline.verify(made.dataset.reference, home=home).scope == "full"
    found = opened(home, made.dataset.reference)
    rows = [tuple(row.values()) for _, table, _ in found for row in table.select(TABLE.column_names).to_pylist()]
    assert sorted(rows) == sorted(tuple(row.values()) for row in TABLE.to_pylist())
    sources = found[0][2].sources
    assert [item.uri for item in sources] == files
    assert len({item.commitment for item in sources}) == len(files)
    assert not hardline.publish(str(source), name, home=home).created


@pytest.mark.parametrize("form", ["npz", "npy", "parquet", "arrow"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_images_in_every_format(home, tmp_path, form, dtype):
    name, images = f"images-{form}-{dtype}", IMAGES.astype(dtype)
    source = tmp_path / f"rows.{form}"
    flat = pa.FixedSizeListArray.from_arrays(pa.array(images.reshape(-1)), 20)
    table = pa.table({"image": flat, "kind": [str(label) for label in LABELS]})
    if form == "npz":
        np.savez_compressed(source, image=images, kind=LABELS)
    elif form == "npy":
        source.mkdir()
        np.save(source / "image.npy", images)
        np.save(source / "kind.npy", LABELS)
    elif form == "parquet":
        pq.write_table(table, source)
    else:
        with pa.OSFile(str(source), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    text = contract(name, f"{{format: {form}}}", PICTURES.replace("DTYPE", dtype), evades="1")
    accepted(home, tmp_path / "contract", text, ["image", "kind"])
    made = hardline.publish(str(source), name, home=home)
    assert made.dataset.rows_accepted == ROWS
    found = opened(home, made.dataset.reference)
    got = np.concatenate([arrays[0] for arrays, _, _ in found])
    labels = np.concatenate([arrays[1] for arrays, _, _ in found])
    assert got.dtype == np.float32 and got.shape == (ROWS, 1, 4, 5)
    keyed = {image.tobytes(): label for image, label in zip(IMAGES.astype(np.float32)[:, None], LABELS, strict=True)}
    assert len(keyed) == ROWS
    assert all(keyed[image.tobytes()] == label for image, label in zip(got, labels, strict=True))
    with hardline.open_dataset(made.dataset.reference, role="trainer", home=home) as data:
        features, _ = data.tensors("train")
        assert tuple(features.shape[1:]) == (1, 4, 5)
        first = next(data.batches(16, "train"))
        assert (
            str(first.schema.field("image").type)
            == f"fixed_size_list<item: {'uint8' if dtype == 'uint8' else 'float'}>[20]"
        )


def test_bad_elements_put_their_rows_aside(home, tmp_path):
    images = IMAGES.astype(np.float32)
    images[3, 1, 1], images[4, 0, 0], images[5, 3, 4] = np.nan, np.inf, 255.5
    np.savez(tmp_path / "rows.npz", image=images, kind=LABELS)
    text = contract("bad-images", "{format: npz}", PICTURES.replace("DTYPE", "float32"), evades="1")
    accepted(home, tmp_path / "contract", text, ["image", "kind"])
    made = hardline.publish(str(tmp_path / "rows.npz"), "bad-images", home=home)
    assert (made.dataset.rows_accepted, made.dataset.rows_quarantined) == (ROWS - 3, 3)


def test_the_file_that_is_wrong_is_named_and_nothing_stays(home, tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    as_folder(folder)
    (folder / "sub" / "2.csv").write_text("size,count,kind\n1,2,good\n1,two,bad\n")
    accepted(home, tmp_path / "contract", contract("one-wrong", "{format: csv}", PLAIN), TABLE.column_names)
    with pytest.raises(hardline.errors.IngestError) as refused:
        hardline.publish(str(folder), "one-wrong", home=home)
    assert str(refused.value).startswith("sub/2.csv: line 3, column 'count': an integer of 64 bits")
    assert refused.value.exit_code == 3 and "two" not in str(refused.value)
    left = {
        path.relative_to(home / "store").parts[0]
        for path in (home / "store").rglob("*one-wrong*/**/*")
        if path.is_file()
    }
    assert left == {"contracts", "quarantine"}


def test_the_order_of_files_is_part_of_the_identity_and_their_number_too(home, tmp_path):
    accepted(home, tmp_path / "contract", contract("orders", "{format: csv}", PLAIN), TABLE.column_names)
    made = []
    for number, names in enumerate((("a", "b"), ("b", "a"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, part in zip(names, (TABLE.slice(0, 120), TABLE.slice(120)), strict=True):
            (folder / f"{name}.csv").write_text("size,count,kind\n" + csv_lines(part))
        made.append(hardline.publish(str(folder), "orders", home=home))
    assert [item.created for item in made] == [True, True]
