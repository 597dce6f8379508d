"""The recorded order system, cut into portions, and as the events with which a mapping's pollers invoke change-handler."""

import base64
import gzip
import json
import re
import time
from collections import defaultdict

from tools import ROOT

CORPUS = ROOT / "tests" / "corpora" / "salesdb-small"
FILE = CORPUS / "records.schema.jsonl.gz"
TRUTH = CORPUS / "truth"
# Debezium's times in milliseconds, as they stand in a record's text inside a line of a recording.
_CLOCK = re.compile(r'(?<=\\"ts_ms\\":)\d{13}\b')


def tables():
    """The target tables of the recording."""
    return sorted(path.stem.lower() for path in TRUTH.glob("*.jsonl"))


def portions(folder, count):
    """The recording in `count` files of about the same number of records, in order."""
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        records = lines.readlines()
    size = -(-len(records) // count)
    paths = []
    for index in range(count):
        path = folder / f"portion-{index + 1}.jsonl"
        path.write_text("".join(records[index * size : (index + 1) * size]), encoding="utf-8")
        paths.append(path)
    return paths


def happening_now(path):
    """Moves the source's clock in a portion, so that its newest change is of this moment: lags then mean something."""
    text = path.read_text(encoding="utf-8")
    newest = max((int(one) for one in _CLOCK.findall(text)), default=0)
    shift = int(time.time() * 1000) - newest
    path.write_text(_CLOCK.sub(lambda found: str(int(found.group()) + shift), text), encoding="utf-8")


class Pollers:
    """What Lambda's pollers would hand over: the records of the topics that have a mapping.

    Shape and encoding: AWS Lambda Developer Guide, "Using Lambda with Amazon MSK".
    """

    def __init__(self, cluster_arn, topics):
        self.cluster_arn = cluster_arn
        self.topics = topics
        self.next_offset = defaultdict(int)

    def events(self, path, batch_size=500):
        """The events of a portion that has been written to Kafka. One event holds records of one topic."""
        waiting = defaultdict(list)
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            place = (record["topic"], record["partition"])
            # The broker counts on; a recording's own offsets may have gaps.
            offset = self.next_offset[place]
            self.next_offset[place] += 1
            if record["topic"] in self.topics:
                waiting[record["topic"]].append((place, offset, record))
        for batch in waiting.values():
            for start in range(0, len(batch), batch_size):
                yield self.event(batch[start : start + batch_size])

    def event(self, batch):
        records = defaultdict(list)
        for (topic, partition), offset, record in batch:
            records[f"{topic}-{partition}"].append({
                "topic": topic, "partition": partition, "offset": offset, "timestamp": int(time.time() * 1000),
                "timestampType": "CREATE_TIME", "key": encoded(record["key"]), "value": encoded(record["value"]),
                "headers": [{one["key"]: signed(one["value"])} for one in record["headers"]],
            })
        return {"eventSource": "aws:kafka", "eventSourceArn": self.cluster_arn, "bootstrapServers": "", "records": records}


def encoded(text):
    return None if text is None else base64.b64encode(text.encode()).decode()


def signed(text):
    """Bytes as Java counts them, which is how Lambda sends headers."""
    return [byte - 256 if byte > 127 else byte for byte in (text or "").encode()]
