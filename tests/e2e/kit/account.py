# SPDX-License-Identifier: Apache-2.0
"""What the hub says it did with every message."""

from kit.timing import equal

_IN_A_SOURCE = ("accepted", "unmatched", "bad_frame", "truncated", "discarded_bytes", "above_match_max", "too_long_for_patterns")
_OF_A_DELIVERY = ("delivered", "filtered", "dropped", "dead_lettered", "in_flight")


class Account:
    """Its parts are named as in the hub's own text: a source `in`, a delivery `in -> out`. Each must be asserted by somebody."""

    def __init__(self, json):
        self.parts = dict(json["sources"])
        self.parts |= {f"{d['source']} -> {d['handler']}": d for d in json["deliveries"]}
        self._asserted = set()
        assert json["closes"], f"the account does not close: {json}"
        for name in self.parts:
            self._check_closes(name)

    def of(self, name):
        """The numbers of a part, to be asserted by the caller."""
        assert name in self.parts, f"the account has no '{name}', only {', '.join(self.parts)}"
        self._asserted.add(name)
        return self.parts[name]

    def says(self, name, **numbers):
        """Exactly these numbers; what is not named is zero."""
        part = self.of(name)
        fields = _OF_A_DELIVERY if " -> " in name else _IN_A_SOURCE
        expected = {f: {} if f == "dropped" else 0 for f in fields} | numbers
        equal({f: part[f] for f in expected}, expected, f"the account of '{name}'")
        return self

    def all_delivered(self, *accepted):
        """Nothing was dropped or malformed anywhere, and the sources accepted that much, in the configuration's order."""
        sources = [n for n in self.parts if " -> " not in n]
        equal([self.parts[s]["accepted"] for s in sources], list(accepted), "accepted by " + ", ".join(sources))
        for name, part in self.parts.items():
            self.says(name, **({"delivered": part["matched"] + part["unmatched"]} if " -> " in name else {"accepted": part["accepted"]}))
        return self

    def all_settled(self):
        """What an earlier run accepted is in no source's count of this one: nothing was dropped, and nothing is left."""
        for name, part in self.parts.items():
            self.of(name)
            if " -> " in name:
                equal([part["in_flight"], part["dead_lettered"], part["dropped"]], [0, 0, {}], f"left, or dropped, of '{name}'")
        return self

    def unasserted(self):
        return [n for n, part in self.parts.items() if n not in self._asserted and (part["matched"] or part["unmatched"])]

    def _check_closes(self, name):
        p = self.parts[name]
        if " -> " in name:
            settled = p["delivered"] + p["filtered"] + sum(p["dropped"].values()) + p["dead_lettered"]
            equal(p["matched"] + p["unmatched"], settled + p["in_flight"], f"what came to '{name}'")
        else:
            equal(p["accepted"], p["matched"] + p["unmatched"], f"accepted by '{name}'")
