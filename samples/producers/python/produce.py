"""Reads JSON lines of usage and sends them: python produce.py --topic usage.events.compute usage.jsonl"""

import argparse
import sys
from typing import Iterable, List, Tuple

from usage_event import Record, Refused, parse_json, records_of, usage_from


def read_records(lines: Iterable[str]) -> Tuple[List[Record], List[str]]:
    """All lines are read before anything is sent, so that a wrong line does not leave half a file sent."""
    records: List[Record] = []
    problems: List[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            records += records_of(usage_from(parse_json(line)))
        except Refused as refused:
            problems += [f"line {number}: {field}: {problem}" for field, problem in refused.problems.items()]
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    return records, problems


def settings(brokers: str) -> dict:
    return {
        "bootstrap.servers": brokers,
        # The default, consistent_random, hashes keys with CRC-32, and most records would be refused.
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        "acks": "all",
    }


def send(configuration: dict, topic: str, records: List[Record]) -> bool:
    """Prints each event that the broker has. False if one of them is not there."""
    from confluent_kafka import Producer  # --check does without it

    producer = Producer(configuration)
    failures: List[str] = []

    def on_delivery(event_id):
        def report(error, message):
            if error is None:
                print(f"{event_id} {message.topic()}/{message.partition()}/{message.offset()}")
            else:
                failures.append(f"{event_id} is not sent: {error}")

        return report

    for event_id, key, value in records:
        while True:
            try:
                producer.produce(topic, key=key, value=value, on_delivery=on_delivery(event_id))
                break
            except BufferError:  # the queue is full
                producer.poll(1)
        producer.poll(0)
    producer.flush()
    for failure in failures:
        print(failure, file=sys.stderr)
    sent = len(records) - len(failures)
    print(f"{sent} of {len(records)} events are with the broker.", file=sys.stderr)
    return sent == len(records)


def check(path: str) -> bool:
    """Compares what this producer makes with schemas/test-vectors.json."""
    with open(path, encoding="utf-8") as file:
        vectors = parse_json(file.read())
    wrong = []
    for vector in vectors["accepted"]:
        try:
            made = [(str(event_id), key.decode(), value.hex()) for event_id, key, value in records_of(usage_from(vector["usage"]))]
        except Refused as refused:
            made = str(refused)
        if made != [(event["eventId"], event["key"], event["value"]) for event in vector["events"]]:
            wrong.append(f"{vector['name']}: {made}")
    for vector in vectors["refused"]:
        try:
            wrong.append(f"{vector['name']}: {len(records_of(usage_from(vector['usage'])))} events")
        except Refused as refused:
            if sorted(refused.problems) != vector["fields"]:
                wrong.append(f"{vector['name']}: {refused}")
    for each in wrong:
        print(f"WRONG: {each}", file=sys.stderr)
    print(f"{len(vectors['accepted'])} accepted and {len(vectors['refused'])} refused, {len(wrong)} wrong")
    return not wrong


def main() -> int:
    options = argparse.ArgumentParser(description="Sends usage to the pipeline.")
    options.add_argument("file", nargs="?", help="JSON lines of usage (standard input)")
    options.add_argument("--brokers", default="127.0.0.1:9092", help="host:port, several separated by commas")
    options.add_argument("--topic", help="the live topic that serves the provider of the resources")
    options.add_argument("--check", metavar="VECTORS", help="only compare with schemas/test-vectors.json")
    given = options.parse_args()
    if given.check:
        return 0 if check(given.check) else 1
    if not given.topic:
        options.error("give --topic, such as usage.events.compute")
    with open(given.file or sys.stdin.fileno(), encoding="utf-8") as lines:
        records, problems = read_records(lines)
    if problems:
        print("\n".join([*problems, "Nothing was sent."]), file=sys.stderr)
        return 1
    return 0 if send(settings(given.brokers), given.topic, records) else 1


if __name__ == "__main__":
    sys.exit(main())
