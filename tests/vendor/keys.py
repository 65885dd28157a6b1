"""Ed25519 keys in files, and what is signed with them.

A folder of keys holds <role>.key (PEM, mode 0600) and <role>.pub (base64 of the raw 32 bytes) for three roles:
command signs commands, release is the second signature of high-risk ones, head signs heads. Command and release keys
stay offline: the command line alone uses them. The head key is on the server; it can only slow down or stop.
"""

import base64
import datetime
import hashlib
import ipaddress
import os
import pathlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.peers.pb import control

COMMAND_DOMAIN = b"reeve-cmd-v1"
HEAD_DOMAIN = b"reeve-head-v1"
ROLES = ("command", "release", "head")


def b64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def b64url_decode(text):
    """Bytes of base64url without padding; ValueError for anything else."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if b64url(data) != text:
        raise ValueError("not canonical base64url")
    return data


def signed_bytes(domain, body):
    return domain + b"\0" + hashlib.sha256(body).digest()


class Key:
    def __init__(self, private):
        self.private = private
        self.public = private.public_key().public_bytes_raw()
        self.key_id = hashlib.sha256(self.public).digest()[:8]

    @classmethod
    def load(cls, path):
        try:
            private = serialization.load_pem_private_key(pathlib.Path(path).read_bytes(), None)
            if not isinstance(private, Ed25519PrivateKey):
                raise TypeError("not an Ed25519 key")
        except (OSError, ValueError, TypeError) as e:
            raise ValueError(f"{path}: cannot read a key from it: {e}") from None
        return cls(private)

    @classmethod
    def new(cls):
        return cls(Ed25519PrivateKey.generate())

    def pem(self):
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, domain, body):
        sig = self.private.sign(signed_bytes(domain, body))
        return control.Sig(key_id=self.key_id, alg=control.ED25519, sig=sig)


def sign(domain, body, *keys):
    """A Signed over these exact bytes, one signature a key."""
    return control.Signed(body=body, sigs=[key.sign(domain, body) for key in keys])


def is_valid(public, domain, body, sig):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(sig, signed_bytes(domain, body))
    except (InvalidSignature, ValueError):
        return False
    return True


def write_private(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as f:
        f.write(data)


def new_folder(folder):
    """Makes the three keys; returns the `trust` section of reeve.yaml that goes with them."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["trust:", "  keys:"]
    for role in ROLES:
        key = Key.new()
        write_private(folder / f"{role}.key", key.pem())
        public = base64.b64encode(key.public).decode()
        (folder / f"{role}.pub").write_text(public + "\n")
        lines += [f"    - name: vendor-{role}", f"      role: {role}", f"      public_key: {public}"]
    trust = "\n".join(lines) + "\n"
    (folder / "trust.yaml").write_text(trust)
    return trust


def new_certificate(folder, names, days_ago=0):
    """ca.pem, and server.pem with server.key for these host names, good for 30 days from `days_ago`: for tests and demonstrations
    alone."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days_ago)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "reference vendor CA")])
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])

    def builder(subject, public, is_ca):
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        )

    ca = builder(ca_name, ca_key.public_key(), True).sign(ca_key, hashes.SHA256())
    alternatives = x509.SubjectAlternativeName([general_name(n) for n in names])
    leaf = builder(name, key.public_key(), False).add_extension(alternatives, critical=False)
    cert = leaf.sign(ca_key, hashes.SHA256())
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "server.pem").write_bytes(cert.public_bytes(pem))
    write_private(folder / "server.key", key.private_bytes(pem, pkcs8, plain))


def general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
