"""Makes the DeepAR records beside it with pyarrow: the same series as JSON Lines and as Parquet, starts as text and as time stamps.

    make.py FOLDER
"""

import datetime
import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 40


def series(i):
    length = 1 + i * 7 % 12
    target = [None if (i + k) % 9 == 4 else (i - 20) * 0.5 + k for k in range(length)]
    start = datetime.datetime(2019, 12, 30, 22) + datetime.timedelta(hours=5 * i)
    return {"start": str(start), "target": target, "cat": [i % 3, i % 2], "item_id": "série %d" % i,
            "dynamic_feat": [[k / 4 for k in range(length)], [float(k % 7 == i % 7) for k in range(length + i % 2)]]}


def main(folder):
    records = [series(i) for i in range(ROWS)]
    with open(os.path.join(folder, "series.json"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
    kinds = {"target": pa.list_(pa.float32()), "cat": pa.list_(pa.int64()), "dynamic_feat": pa.list_(pa.list_(pa.float64())), "item_id": pa.string()}
    columns = {name: pa.array([r[name] for r in records], kind) for name, kind in kinds.items()}
    text = pa.array([r["start"] for r in records])
    times = pa.array([datetime.datetime.fromisoformat(r["start"]) for r in records], pa.timestamp("ns"))
    pq.write_table(pa.table({"start": text, **columns}), os.path.join(folder, "text_snappy.parquet"), compression="snappy", row_group_size=16)
    pq.write_table(pa.table({**columns, "more": text, "start": times}), os.path.join(folder, "times_gzip.parquet"), compression="gzip")


if __name__ == "__main__":
    main(sys.argv[1])
