# SPDX-License-Identifier: Apache-2.0
"""Where messages go, by a reading of the documentation that shares no code with the hub: each route in its order, each condition
as it is written. Slow, plain, and only for what the tests write."""

import json
import operator
import re

MISSING = object()
_ORDER = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
_TEXT = {
    "equals": lambda text, wanted: text == wanted,
    "prefix": bytes.startswith,
    "suffix": bytes.endswith,
    "contains": lambda text, wanted: wanted in text,
    "regex": lambda text, wanted: re.search(wanted, text) is not None,
}


def handlers_of(payload, routes, fifo, match_max="1048576B", unmatched="drop"):
    """The handlers that get a message of a FIFO by its routes; and whether one of those wanted it."""
    look = Look(payload, fifo, int(match_max.removesuffix("B")))
    reached, wanted = set(), False
    for route in routes:
        if "match" in route and not truth(route["match"], look):
            continue
        wanted = True
        reached |= set(route["to"])
        if route.get("final"):
            break
    if not wanted and unmatched != "drop":
        reached.add(unmatched)
    return reached, wanted


class Look:
    """A message. What cannot be looked into is None."""

    def __init__(self, payload, fifo, limit):
        self.size, self.fifo = len(payload), fifo.encode()
        self.text = payload if len(payload) <= limit else None
        self.document = document_of(payload) if self.text is not None else None


def document_of(payload):
    """In a list, because null is a document as well."""
    try:
        return [json.loads(payload.decode(), parse_constant=_refuse)]
    except ValueError:
        return None


def _refuse(name):
    raise ValueError(name)  # NaN and Infinity are no JSON


# ---- True, False, or None where the payload cannot be looked into: then `not` of it does not hold either


def truth(rule, look):
    return all_of(part_truth(key, wanted, look) for key, wanted in rule.items())


def part_truth(key, wanted, look):
    if key == "all":
        return all_of(truth(rule, look) for rule in wanted)
    if key == "any":
        return any_of(truth(rule, look) for rule in wanted)
    if key == "not":
        inner = truth(wanted, look)
        return None if inner is None else not inner
    if key == "size":
        return all(_ORDER[op](look.size, limit) for op, limit in wanted.items())
    if key == "meta":
        return all(text_holds(look.fifo, ops) for ops in [wanted["fifo"]])
    if key == "text":
        return None if look.text is None else text_holds(look.text, wanted)
    assert key == "json", key
    return None if look.document is None else all(json_holds(found(look.document[0], pointer), ops) for pointer, ops in wanted.items())


def all_of(truths):
    truths = list(truths)
    return False if False in truths else None if None in truths else True


def any_of(truths):
    truths = list(truths)
    return True if True in truths else None if None in truths else False


def text_holds(text, ops):
    return all(_TEXT[op](text, wanted.encode()) for op, wanted in ops.items())


def json_holds(seen, ops):
    if not isinstance(ops, dict):
        return seen is not MISSING and is_equal(seen, ops)
    return all(_json_op_holds(seen, op, wanted) for op, wanted in ops.items())


def _json_op_holds(seen, op, wanted):
    if op == "exists":
        return (seen is not MISSING) == wanted
    if seen is MISSING:
        return False
    if op == "in":
        return any(is_equal(seen, one) for one in wanted)
    return is_number(seen) and _ORDER[op](seen, wanted)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_equal(seen, wanted):
    """Python compares an integer and a float exactly, as the hub does; but to Python True is 1."""
    if is_number(seen) and is_number(wanted):
        return seen == wanted
    return type(seen) is type(wanted) and not isinstance(seen, (list, dict)) and seen == wanted


def found(value, pointer):
    """RFC 6901."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key, MISSING)
        elif isinstance(value, list) and re.fullmatch("0|[1-9][0-9]*", key) and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value
