"""Answers that go wrong on purpose. <data>/faults.json is read again for each request:

    {"otlp": {"every": 7, "answers": [429, 503, "reset", "drop-answer-after-store"], "retry_after": 1},
     "opamp": {...}, "login": {...}}

Each n-th request to that endpoint gets the next answer of the list: a status; "reset", the connection is closed without
reading or answering; "drop-answer-after-store", the request is carried out and then the connection is closed.
"""

import json
import threading

from tests.vendor import files


class Faults:
    def __init__(self, data):
        self.path = f"{data}/faults.json"
        self.lock = threading.Lock()
        self.requests = {}
        self.given = {}

    def next(self, endpoint):
        """(answer or None, Retry-After in seconds) for the request that has just come."""
        try:
            rule = (files.read_json(self.path) or {}).get(endpoint)
        except json.JSONDecodeError:
            return None, 1
        if not rule or not rule.get("answers"):
            return None, 1
        with self.lock:
            n = self.requests[endpoint] = self.requests.get(endpoint, 0) + 1
            if n % rule.get("every", 1):
                return None, 1
            given = self.given.get(endpoint, 0)
            self.given[endpoint] = given + 1
        return rule["answers"][given % len(rule["answers"])], rule.get("retry_after", 1)
