"""Sends JSON lines as the sample does, but with the partitioner that confluent-kafka has by default."""

import sys

sample, brokers, topic, path = sys.argv[1:]
sys.path.insert(0, sample)

from produce import read_records, send, settings  # noqa: E402

configuration = settings(brokers)
del configuration["partitioner"]
with open(path, encoding="utf-8") as lines:
    records, problems = read_records(lines)
sys.exit(0 if not problems and send(configuration, topic, records) else 1)
