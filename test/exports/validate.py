"""Has the FinOps Foundation's validator check a file against FOCUS 1.2, with the rules inside of its package. Prints what is violated as JSON."""
import contextlib
import json
import logging
import os
import pathlib
import sys

import focus_validator
from focus_validator.validator import Validator

logging.disable(logging.CRITICAL)

# What a provider of this kind has: the rules of these features apply too.
CRITERIA = [
    "ACCOUNT_NAMING_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED",
    "REGION_SUPPORTED",
    "TAGGING_SUPPORTED",
    "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
]

data_file = os.path.abspath(sys.argv[1])
# It reads its list of currencies relative to where it was installed.
os.chdir(pathlib.Path(focus_validator.__file__).parent.parent)

with contextlib.redirect_stdout(sys.stderr):
    validator = Validator(
        data_filename=data_file,
        output_destination=None,
        output_type="console",
        rules_version="1.2",
        focus_dataset="CostAndUsage",
        rules_block_remote_download=True,
        applicability_criteria=",".join(CRITERIA),
    )
    results = validator.validate()



def alternatives(requirement):
    """The rules of which one is enough."""
    if requirement.get("CheckFunction") != "OR":
        return set()
    return {item["ModelRuleId"] for item in requirement["Items"] if "ModelRuleId" in item}


# The validator also reports each alternative by itself, such as "InvoiceId MUST be null" beside "InvoiceId MUST NOT be null".
excused = set()
for rule_id, entry in results.by_rule_id.items():
    if entry.get("ok"):
        excused |= alternatives(results.rules[rule_id].validation_criteria.requirement)

violated = []
checked = 0
for rule_id, entry in results.by_rule_id.items():
    details = entry.get("details") or {}
    if details.get("skipped"):
        continue
    checked += 1
    if entry.get("ok") or rule_id in excused:
        continue
    criteria = results.rules[rule_id].validation_criteria
    violated.append(
        {
            "rule": rule_id,
            "keyword": str(criteria.keyword),
            "says": criteria.must_satisfy,
            "rows": str(details.get("violations", "?")),
            "message": str(details.get("message") or details.get("reason")),
        }
    )
print(json.dumps({"checked": checked, "violated": violated}))
