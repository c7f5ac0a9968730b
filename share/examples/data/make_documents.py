#!/usr/bin/env python3
"""Writes documents.pbr: 400 bags of words over 50,000 columns, sparse, in RecordIO-protobuf. Always the same.

    make_documents.py [FOLDER]
"""

import os
import random
import struct
import sys

COLUMNS, ROWS, TOPICS, TOPIC_WORDS, WORDS = 50000, 400, 8, 30, 14
MAGIC = 0xCED7230A


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, payload):
    """A protobuf field that holds bytes."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def record(counts):
    """One row: a Record whose features {"values": sparse Float32Tensor} are these columns and counts."""
    columns = sorted(counts)
    tensor = (field(1, b"".join(struct.pack("<f", counts[c]) for c in columns)) + field(2, b"".join(map(varint, columns))) +
              field(3, varint(COLUMNS)))
    data = field(1, field(1, b"values") + field(2, field(2, tensor)))
    return struct.pack("<II", MAGIC, len(data)) + data + bytes(-len(data) % 4)


def document(draw, topics):
    """Mostly words of one topic, more of them the more it is liked, some from anywhere."""
    topic = min(range(TOPICS), key=lambda t: draw.expovariate(1 / (t + 1)))
    counts = {}
    for _ in range(WORDS):
        word = draw.choice(topics[topic]) if draw.random() < 0.8 else draw.randrange(COLUMNS)
        counts[word] = counts.get(word, 0) + 1
    return counts


def main(folder="."):
    draw = random.Random(7)
    topics = [draw.sample(range(COLUMNS), TOPIC_WORDS) for _ in range(TOPICS)]
    with open(os.path.join(folder, "documents.pbr"), "wb") as file:
        for _ in range(ROWS):
            file.write(record(document(draw, topics)))


if __name__ == "__main__":
    main(*sys.argv[1:])
