"""Sessions: a token of at most 60 minutes, worth nothing without the key it is bound to.

Every request carries `Authorization: Reeve <token>` and `Reeve-Proof: v1 <counter> <base64url signature>`. The
signature covers method, path, body, counter and token, so a stolen token, a changed body and a repeated request are all
refused. Counters may overtake each other (a held poll beside telemetry) within a window of 1,024.
"""

import hashlib
import re
import secrets
import threading
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.vendor import keys
from tests.vendor.refusal import Refusal

WINDOW = 1024
LONGEST_S = 3600
PROOF = re.compile(r"v1 ([1-9][0-9]{0,17}) ([A-Za-z0-9_-]{86})")


def signed_message(method, path, body, counter, token):
    """The exact bytes a proof signs."""
    parts = [method, path, hashlib.sha256(body).hexdigest(), str(counter), hashlib.sha256(token.encode()).hexdigest()]
    return b"reeve-proof-v1\0" + "\n".join(parts).encode()


class Session:
    def __init__(self, installation, channel_key, expires):
        self.installation = installation
        self.channel_key = Ed25519PublicKey.from_public_bytes(channel_key)
        self.expires = expires
        self.highest = 0
        self.seen = set()

    def take(self, counter):
        """True once for each counter that is not too old."""
        if counter <= self.highest - WINDOW or counter in self.seen:
            return False
        self.seen.add(counter)
        if counter > self.highest:
            self.highest = counter
            self.seen = {c for c in self.seen if c > counter - WINDOW}
        return True


class Sessions:
    def __init__(self, ttl_s=LONGEST_S):
        self.ttl_s = min(ttl_s, LONGEST_S)
        self.lock = threading.Lock()
        self.by_token = {}

    def open(self, installation, channel_key):
        token = secrets.token_urlsafe(32)
        now = time.monotonic()
        with self.lock:
            self.by_token = {t: s for t, s in self.by_token.items() if s.expires > now}
            self.by_token[token] = Session(installation, channel_key, now + self.ttl_s)
        return token

    def check(self, method, path, headers, body):
        """The installation that made this request, or Refusal 401."""
        scheme, _, token = (headers.get("Authorization") or "").partition(" ")
        session = self.by_token.get(token) if scheme == "Reeve" else None
        if session is None:
            raise Refusal(401, "no session: log in first")
        if session.expires <= time.monotonic():
            raise Refusal(401, "the token is expired: log in again", session.installation)
        match = PROOF.fullmatch(headers.get("Reeve-Proof") or "")
        if not match:
            raise Refusal(401, "no proof of possession (header Reeve-Proof)", session.installation)
        counter = int(match[1])
        message = signed_message(method, path, body, counter, token)
        try:
            session.channel_key.verify(keys.b64url_decode(match[2]), message)
        except (InvalidSignature, ValueError):
            raise Refusal(401, "the proof does not fit this request", session.installation) from None
        with self.lock:
            if not session.take(counter):
                raise Refusal(401, f"counter {counter} was used before or is too old", session.installation)
        return session.installation
