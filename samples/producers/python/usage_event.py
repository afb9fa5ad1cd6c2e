"""Usage as records of usage events. No clock and no network: docs/other-languages.md says what each rule is for."""

import datetime
import json
import re
import unicodedata
import uuid
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, NamedTuple, Optional

SCHEMA_ID = 1
NAMESPACE = uuid.UUID("6e1a1f0c-6a52-5d7c-9a8b-3d5f0c1b7e42")
HOUR = 3_600_000
MOST_HOURS = 45 * 24 + 1
SCALE = 30
QUANTITY_LIMIT = 10 ** (15 + SCALE)
IDENTITY_BYTES = 1024
TEXT_BYTES = 64 * 1024

TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
DECIMAL = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?", re.ASCII)
SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE | re.ASCII)
PROVIDER = re.compile(r"/providers/[^/]", re.IGNORECASE | re.ASCII)
CAPITALS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True)
class Usage:
    subscription_id: str
    resource_uri: str
    meter_id: str
    start: int  # milliseconds since 1970, inclusive
    end: int  # exclusive
    quantity: int  # a count of 10^-30
    location: str
    tags: Optional[str]
    additional_info: Optional[str]
    discriminator: str


class Record(NamedTuple):
    event_id: uuid.UUID
    key: bytes
    value: bytes


class Number(str):
    """A number of JSON as it is written: a float would round it."""


class Refused(Exception):
    """All that is wrong with one line of usage, by field."""

    def __init__(self, problems: Dict[str, str]):
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = problems


def ascii_lower(text: str) -> str:
    """Only A to Z. str.lower() changes other letters too, and then the id and the key are wrong."""
    return text.translate(CAPITALS)


def parse_json(text: str) -> Any:
    return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)


def text_of(least: int, most: int, is_name: bool) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or isinstance(value, Number):
            raise ValueError("it must be a text")
        kinds = {unicodedata.category(char) for char in value}
        if "Cs" in kinds:
            raise ValueError("it holds half of a surrogate pair")
        if is_name and kinds & {"Cc", "Zl", "Zp"}:
            raise ValueError("it holds a control character or a line separator")
        length = len(value.encode())
        if not least <= length <= most:
            raise ValueError(f"it has {length} bytes, allowed are {least} to {most}")
        return value

    return read


def time(value: Any) -> int:
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("it must be a time with its offset from UTC, such as 2026-02-03T04:00:00Z")
    wall, fraction, offset = match.groups()
    instant = datetime.datetime.fromisoformat(wall + ("+00:00" if offset == "Z" else offset))
    digits = (fraction or "").ljust(7, "0")
    if int(digits[3:]) != 0:
        raise ValueError("it is finer than a millisecond")
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    millis = (instant - epoch) // datetime.timedelta(milliseconds=1) + int(digits[:3])
    if millis < 0:
        raise ValueError("it is before 1970")
    return millis


def quantity(value: Any) -> int:
    match = DECIMAL.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("it must be a decimal, such as 1.5")
    sign, whole, fraction, exponent = match.groups(default="")
    shift = SCALE - len(fraction) + int(exponent or 0)
    digits = int(whole + fraction)
    count, rest = (digits * 10**shift, 0) if shift >= 0 else divmod(digits, 10**-shift)
    if rest:
        raise ValueError("it has more than 30 decimal places")
    if sign and count:
        raise ValueError("it is below zero")
    return count


IDENTITY = text_of(1, IDENTITY_BYTES, is_name=True)
LOCATION = text_of(1, IDENTITY_BYTES, is_name=False)
TEXT = text_of(0, TEXT_BYTES, is_name=False)


def text_or_null(value: Any) -> Optional[str]:
    return None if value is None else TEXT(value)


FIELDS: Dict[str, Callable[[Any], Any]] = {
    "subscriptionId": IDENTITY,
    "resourceUri": IDENTITY,
    "meterId": IDENTITY,
    "from": time,
    "to": time,
    "quantity": quantity,
    "location": LOCATION,
    "tags": text_or_null,
    "additionalInfo": text_or_null,
    "discriminator": TEXT,
}
OPTIONAL = {"tags": None, "additionalInfo": None, "discriminator": ""}


def usage_from(fields: Any) -> Usage:
    """Reads what one line of JSON says; raises Refused with every problem."""
    if not isinstance(fields, dict):
        raise Refused({"line": "it must be a JSON object"})
    problems = {name: "there is no such field" for name in fields if name not in FIELDS}
    values: Dict[str, Any] = {}
    for name, read in FIELDS.items():
        if name not in fields and name not in OPTIONAL:
            problems[name] = "it is missing"
            continue
        try:
            values[name] = read(fields.get(name, OPTIONAL.get(name)))
        except ValueError as error:
            problems[name] = str(error)
    problems.update(place_problem(values))
    problems.update(period_problem(values))
    if problems:
        raise Refused(problems)
    usage = Usage(*(values[name] for name in FIELDS))
    if any(part.quantity >= QUANTITY_LIMIT for part in parts_of(usage)):
        raise Refused({"quantity": "it comes to 10^15 or more in an hour"})
    return usage


def place_problem(values: Dict[str, Any]) -> Dict[str, str]:
    if "subscriptionId" not in values or "resourceUri" not in values:
        return {}
    found = SUBSCRIPTION.match(values["resourceUri"])
    if found is None or ascii_lower(found[1]) != ascii_lower(values["subscriptionId"]):
        return {"resourceUri": "it must begin with /subscriptions/ and the subscription of the usage"}
    if PROVIDER.search(values["resourceUri"]) is None:
        return {"resourceUri": "it must name its provider, such as /providers/Microsoft.Compute"}
    return {}


def period_problem(values: Dict[str, Any]) -> Dict[str, str]:
    if "from" not in values or "to" not in values:
        return {}
    start, end = values["from"], values["to"]
    if start >= end:
        return {"to": "it must be after from"}
    if (end - 1) // HOUR - start // HOUR + 1 > MOST_HOURS:
        return {"to": f"it is over {MOST_HOURS - 1} hours after from: report it in parts"}
    return {}


class Part(NamedTuple):
    start: int
    end: int
    quantity: int


def parts_of(usage: Usage) -> List[Part]:
    """One part for each hour of the clock. The quantities add up to the whole, to the last decimal."""
    parts, given, start = [], 0, usage.start
    while start < usage.end:
        end = min(usage.end, (start // HOUR + 1) * HOUR)
        so_far = usage.quantity * (end - usage.start) // (usage.end - usage.start)
        parts.append(Part(start, end, so_far - given))
        given, start = so_far, end
    return parts


def records_of(usage: Usage) -> List[Record]:
    key = ascii_lower(usage.resource_uri).encode()
    records = []
    for part in parts_of(usage):
        event_id = event_id_of(usage, part)
        records.append(Record(event_id, key, encode(usage, event_id, part)))
    return records


def iso_text(millis: int) -> str:
    """2026-02-03T04:00:00Z, with milliseconds only if they are not 000."""
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=millis)
    text = moment.isoformat(timespec="milliseconds")
    return (text[:-4] if text.endswith(".000") else text) + "Z"


def event_id_of(usage: Usage, part: Part) -> uuid.UUID:
    """The same consumption has the same id, however often it is sent."""
    identity = (usage.subscription_id, usage.meter_id, usage.resource_uri)
    parts = [*map(ascii_lower, identity), iso_text(part.start), iso_text(part.end), usage.discriminator]
    return uuid.uuid5(NAMESPACE, json.dumps(parts, ensure_ascii=False, separators=(",", ":")))


def encode(usage: Usage, event_id: uuid.UUID, part: Part) -> bytes:
    """Confluent's envelope, and then the fields of schemas/usage-event.v1.avsc in their order."""
    return b"".join(
        (
            b"\0",
            SCHEMA_ID.to_bytes(4, "big"),
            event_id.bytes,
            avro_text(usage.subscription_id),
            avro_text(usage.meter_id),
            avro_text(usage.resource_uri),
            avro_long(part.start),
            avro_long(part.end),
            # The shortest two's complement; one bit is for the sign.
            avro_bytes(part.quantity.to_bytes(part.quantity.bit_length() // 8 + 1, "big")),
            avro_text(usage.location),
            avro_nullable(usage.tags),
            avro_nullable(usage.additional_info),
        )
    )


def avro_long(value: int) -> bytes:
    value = value * 2 if value >= 0 else -value * 2 - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def avro_bytes(value: bytes) -> bytes:
    return avro_long(len(value)) + value


def avro_text(value: str) -> bytes:
    return avro_bytes(value.encode())


def avro_nullable(value: Optional[str]) -> bytes:
    return avro_long(0) if value is None else avro_long(1) + avro_text(value)
