"""Leads requests that the document allows to rows, and counts the answers.

A time of a document's format is hardly ever the start of an hour that has usage. So most of the right requests get times that have it, and some
of those the token of a page that was answered before. What else schemathesis has made of a request stays as it is, and so do wrong requests.
"""
import atexit
import collections
import hashlib
import json
import os
from urllib.parse import parse_qsl, urlsplit

import schemathesis

LEAD = os.environ["SCAN_LEAD"] == "on"
RANGES = json.loads(os.environ["SCAN_RANGES"])
counts = collections.Counter()
tokens = {}


def is_usage(case):
    return case.operation.path.lower().endswith("usageaggregates")


def draw(case, number):
    """A number below this one that depends on the request alone."""
    text = json.dumps([case.operation.path, case.query], sort_keys=True, default=str)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % number


@schemathesis.hook
def before_call(context, case, kwargs):
    if not LEAD or not is_usage(case) or case.query is None:
        return
    if case.meta is None or not case.meta.generation.mode.is_positive or draw(case, 4) == 0:
        return
    choice = draw(case, len(RANGES))
    query = {name: value for name, value in case.query.items() if name != "continuationToken"}
    # Usage of another subscription than the one that calls is not in the tables of the scan.
    if "subscriberId" in query and draw(case, 3) > 0:
        query["subscriberId"] = case.path_parameters["subscriptionId"]
    query.update(RANGES[choice])
    known = tokens.get(case.operation.path)
    if known is not None and draw(case, 5) == 0:
        query = known
    case.query = query


@schemathesis.hook
def after_call(context, case, response):
    if not is_usage(case):
        return
    counts["requests"] += 1
    counts[str(response.status_code)] += 1
    if response.status_code != 200:
        return
    page = json.loads(response.content)
    counts["withRows"] += 1 if page["value"] else 0
    if "nextLink" in page:
        tokens[case.operation.path] = dict(parse_qsl(urlsplit(page["nextLink"]).query))


@atexit.register
def write_counts():
    with open(os.environ["SCAN_COUNTS"], "w", encoding="utf-8") as file:
        json.dump(counts, file)
