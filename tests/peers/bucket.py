"""A bucket, as far as a first boot needs one: objects for whoever signs with the keys of the instance role, and the place where a
stack's signals arrive."""

import json
import re
import threading

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.peers import web


class Signer(S3SigV4Auth):
    """Signs as of the moment of the request that it is compared with."""

    def __init__(self, keys, date, region):
        super().__init__(Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], None), "s3", region)
        self.date = date

    def signature_of(self, url, headers):
        request = AWSRequest("GET", url, headers=headers)
        request.context["timestamp"] = self.date
        return self.signature(self.string_to_sign(request, self.canonical_request(request)), request)

    def payload(self, request):
        return request.headers["x-amz-content-sha256"]


def is_signed(headers, path, keys, region="us-east-1", scheme="http"):
    """Are these the headers of a GET that someone with the keys has signed?"""
    signed = re.search(r"SignedHeaders=([^,]+), ?Signature=(\w+)", headers.get("Authorization", ""))
    if signed is None or headers.get("x-amz-security-token") != keys["Token"]:
        return False
    named = {name: headers[name] for name in signed[1].split(";")}
    if not {"host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"} <= set(named):
        return False
    url = f"{scheme}://{headers['Host']}{path}"
    return Signer(keys, headers["x-amz-date"], region).signature_of(url, named) == signed[2]


class Handler(web.Handler):
    def do_PUT(self):
        signal = json.loads(self.body())
        if "Content-Type" in self.headers:  # the signature of the handle is for a request without one
            self.answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
            return
        self.server.signals.append(signal | {"type": self.headers.get("Content-Type"), "path": self.path})
        self.answer(200, b"")

    def do_GET(self):
        self.server.asked.append(self.path)
        refused = self.server.refuse > 0
        self.server.refuse -= refused
        keys = self.server.keys
        if (
            refused
            or self.path not in self.server.objects
            or not is_signed(self.headers, self.path, keys, scheme="https")
        ):
            self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        else:
            self.answer(200, self.server.objects[self.path])


class Bucket(web.Server):
    """objects {path: bytes}; signals [{...}]; the next `refuse` requests for objects are refused, as those of a role just made."""

    def __init__(self, keys):
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys, self.objects, self.signals, self.asked, self.refuse = keys, {}, [], [], 0
        threading.Thread(target=self.serve_forever, daemon=True).start()
