"""Makes the Parquet files beside it with pyarrow: one table in many encodings, and folders as Spark writes them. The tests know what
row i holds; so does row() here.

    make.py FOLDER
"""

import datetime
import decimal
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 300


def maybe(i, value):
    """A null in row 5, 16, 27, ...."""
    return None if i % 11 == 5 else value


def reals(i):
    """A list of i % 4 numbers, its second one null; null itself in row 7, 20, ...."""
    return None if i % 13 == 7 else [None if k == 1 else i + 0.5 * k for k in range(i % 4)]


def table():
    rows = range(ROWS)
    epoch = datetime.datetime(1970, 1, 1)
    day = datetime.timedelta(days=1)
    columns = {
        "flag": pa.array([maybe(i, i % 3 == 0) for i in rows], pa.bool_()),
        "required": pa.array([i % 5 for i in rows], pa.int32()),
        "i8": pa.array([maybe(i, i % 256 - 128) for i in rows], pa.int8()),
        "i16": pa.array([maybe(i, i * 100 - 15000) for i in rows], pa.int16()),
        "i32": pa.array([maybe(i, (i - 150) * 1000003) for i in rows], pa.int32()),
        "i64": pa.array([maybe(i, (i - 150) * 10**15) for i in rows], pa.int64()),
        "u8": pa.array([maybe(i, i % 256) for i in rows], pa.uint8()),
        "u32": pa.array([maybe(i, i * 14000000) for i in rows], pa.uint32()),
        "u64": pa.array([maybe(i, i * 61 * 10**15) for i in rows], pa.uint64()),
        "f16": pa.array([maybe(i, (i - 150) / 8) for i in rows], pa.float16()),
        "f32": pa.array([maybe(i, (i - 150) / 8) for i in rows], pa.float32()),
        "f64": pa.array([maybe(i, (i - 150) / 1024) for i in rows], pa.float64()),
        "money": pa.array([maybe(i, decimal.Decimal(i - 150) / 4) for i in rows], pa.decimal128(9, 2)),
        "wide": pa.array([maybe(i, decimal.Decimal(i - 150) / 4) for i in rows], pa.decimal128(30, 6)),
        "text": pa.array([maybe(i, "word%d" % (i % 7) * (i % 3)) for i in rows], pa.string()),
        "bytes": pa.array([maybe(i, bytes([i % 256, 0, 255])) for i in rows], pa.binary()),
        "fixed": pa.array([maybe(i, bytes([i % 256, 1, 2, 3])) for i in rows], pa.binary(4)),
        "millis": pa.array([maybe(i, epoch + day * i) for i in rows], pa.timestamp("ms")),
        "micros": pa.array([maybe(i, epoch - day * i) for i in rows], pa.timestamp("us")),
        "nanos": pa.array([maybe(i, epoch + day * i) for i in rows], pa.timestamp("ns")),
        "day": pa.array([maybe(i, datetime.date(1970, 1, 1) + day * (i - 150)) for i in rows], pa.date32()),
        "clock": pa.array([maybe(i, datetime.time(i % 24, i % 60)) for i in rows], pa.time64("us")),
        "list": pa.array([reals(i) for i in rows], pa.list_(pa.float32())),
        "lists": pa.array([[list(range(k)) for k in range(i % 4)] for i in rows], pa.list_(pa.list_(pa.int32()))),
        "words": pa.array([["w%d" % k for k in range(i % 3)] for i in rows], pa.list_(pa.string())),
    }
    fields = [pa.field(name, column.type, nullable=name != "required") for name, column in columns.items()]
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))


DELTA = {name: "DELTA_BINARY_PACKED" for name in ("required", "i8", "i16", "i32", "i64", "u8", "u32", "u64", "millis", "micros", "nanos", "day", "clock")}
DELTA |= {"lists.list.element.list.element": "DELTA_BINARY_PACKED", "flag": "RLE", "text": "DELTA_BYTE_ARRAY", "bytes": "DELTA_LENGTH_BYTE_ARRAY",
          "fixed": "DELTA_BYTE_ARRAY", "words.list.element": "DELTA_BYTE_ARRAY"}
SPLIT = {name: "BYTE_STREAM_SPLIT" for name in ("f16", "f32", "f64", "i32", "i64", "fixed", "list.list.element")}


def write(path, **options):
    pq.write_table(table(), path, **({"row_group_size": 120, "data_page_size": 256, "write_batch_size": 16} | options))


def numbers(path):
    """A table of numbers with more rows than are decoded at a time; b is null in row 5, 16, 27, ...."""
    rows = range(700)
    pq.write_table(pa.table({
        "y": pa.array([i % 2 for i in rows], pa.int8()),
        "a": pa.array([i * 3 for i in rows], pa.int64()),
        "b": pa.array([maybe(i, i / 4) for i in rows], pa.float64()),
        "c": pa.array([decimal.Decimal(i) / 4 for i in rows], pa.decimal128(7, 2)),
        "d": pa.array([i % 3 == 0 for i in rows], pa.bool_()),
    }), path, row_group_size=400, data_page_size=512, write_batch_size=64, compression="snappy")


def embeddings(path):
    """Lists of four numbers behind a target."""
    rows = range(50)
    pq.write_table(pa.table({
        "target": pa.array([i / 2 for i in rows], pa.float32()),
        "vector": pa.array([[i + k / 8 for k in range(4)] for i in rows], pa.list_(pa.float32())),
    }), path, compression="zstd")


def people(path):
    """A table as people have it: texts that CSV has to quote, dates, times, nulls."""
    born = [datetime.date(1950, 1, 1) + datetime.timedelta(days=400 * i) for i in range(30)]
    seen = [datetime.datetime(2026, 1, 1, 9, 30) + datetime.timedelta(hours=i, microseconds=i % 3) for i in range(30)]
    pq.write_table(pa.table({
        "name": pa.array([("Ann", 'Bo "Bob" B', "Li, C", "two\nlines", None)[i % 5] for i in range(30)], pa.string()),
        "age": pa.array([None if i % 7 == 3 else 20 + i for i in range(30)], pa.int64()),
        "weight": pa.array([50 + i / 10 for i in range(30)], pa.float32()),
        "score": pa.array([i / 3 for i in range(30)], pa.float64()),
        "member": pa.array([i % 2 == 0 for i in range(30)], pa.bool_()),
        "born": pa.array(born, pa.date32()),
        "seen": pa.array(seen, pa.timestamp("us")),
        "city": pa.array([("Bonn", "Rome")[i % 2] for i in range(30)], pa.dictionary(pa.int32(), pa.string())),
    }), path, row_group_size=12, compression="snappy")


def series(path, start):
    """Series as DeepAR takes them, of 3 + i % 4 numbers; the second one is missing."""
    rows = range(20)
    start_type = pa.string() if start is str else pa.timestamp("ns")
    starts = [datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=i) for i in rows]
    pq.write_table(pa.table({
        "start": pa.array([str(s) if start is str else s for s in starts], start_type),
        "target": pa.array([[float("nan") if k == 1 else i + k / 4 for k in range(3 + i % 4)] for i in rows], pa.list_(pa.float32())),
        "cat": pa.array([[i % 2, i % 5] for i in rows], pa.list_(pa.int64())),
        "dynamic_feat": pa.array([[[f * 10 + k for k in range(3 + i % 4)] for f in range(2)] for i in rows], pa.list_(pa.list_(pa.float64()))),
    }), path, compression="gzip" if start is str else "snappy")


def spark_vectors(path, sparse_first):
    """Part files as Spark writes them: a label and a vector of three numbers, by turns dense and sparse."""
    vector = pa.struct([pa.field("type", pa.int8(), nullable=False), pa.field("size", pa.int32()),
                        pa.field("indices", pa.list_(pa.field("element", pa.int32(), nullable=False))),
                        pa.field("values", pa.list_(pa.field("element", pa.float64(), nullable=False)))])
    rows = []
    for i in range(40):
        dense = {"type": 1, "size": None, "indices": None, "values": [i, 0, i / 4]}
        sparse = {"type": 0, "size": 3, "indices": [0, 2], "values": [i, i / 4]}
        rows.append(sparse if i % 2 != sparse_first else dense)
    columns = [("label", pa.array([i % 2 for i in range(40)], pa.float64())), ("features", pa.array(rows, vector))]
    if sparse_first:  # the label is known by its name
        columns.reverse()
    os.makedirs(path)
    for part in range(2):
        chunk = pa.table({name: column.slice(part * 20, 20) for name, column in columns})
        name = "part-0000%d-6a1fa0a3-c000.snappy.parquet" % part
        pq.write_table(chunk, os.path.join(path, name), compression="snappy", data_page_version="1.0", write_page_index=part == 1)
        with open(os.path.join(path, "." + name + ".crc"), "wb") as crc:
            crc.write(b"crc\0not a table")
    open(os.path.join(path, "_SUCCESS"), "w").close()


def main(folder):
    os.makedirs(folder, exist_ok=True)
    at = lambda name: os.path.join(folder, name)
    write(at("plain.parquet"), compression="none", use_dictionary=False, version="1.0", write_page_checksum=True)
    write(at("dictionary_snappy.parquet"), compression="snappy", use_dictionary=True, use_deprecated_int96_timestamps=True)
    write(at("dictionary_v2_gzip.parquet"), compression="gzip", use_dictionary=True, data_page_version="2.0", write_page_index=True)
    write(at("delta_v2_zstd.parquet"), compression="zstd", use_dictionary=False, column_encoding=DELTA, data_page_version="2.0", write_page_checksum=True)
    write(at("split.parquet"), compression="zstd", use_dictionary=False, column_encoding=SPLIT, store_decimal_as_integer=True)
    numbers(at("numbers.parquet"))
    embeddings(at("embeddings.parquet"))
    people(at("people.parquet"))
    series(at("series.parquet"), str)
    series(at("series_timestamps.parquet"), datetime.datetime)
    spark_vectors(at("spark"), False)
    spark_vectors(at("spark_sparse"), True)


if __name__ == "__main__":
    main(*sys.argv[1:])
