"""What a machine finds at the other end of its cable: the metadata service, AWS, the bucket and the vendor, under their true names
and with certificates that its trust store holds, so that its configuration is the one that a stack writes."""

import contextlib
import datetime
import pathlib
import re
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.boot import machine
from tests.peers import bucket, examples, stage, web

REGION = "us-east-1"
AWS = [f"{service}.{REGION}.amazonaws.com" for service in ("ec2", "sts", "elasticloadbalancing")]
BUCKET = f"packages.s3.{REGION}.amazonaws.com"
WAIT = f"cloudformation-waitcondition-{REGION}.s3.{REGION}.amazonaws.com"
STORE = "/etc/ssl/certs/ca-certificates.crt"
VENDOR_AT = "10.77.0.3"


def pem(key):
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def certificate(subject, names, issuer=None):
    """(certificate, key), of an authority without an issuer; names are its subject's alternative ones."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(who).issuer_name(issuer[0].subject if issuer else who)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=30))
    made = made.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    if names:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return made.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def pump(source, to):
    try:
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def join(near, far):
    """Both ways until both are done."""
    back = threading.Thread(target=pump, args=(far, near), daemon=True)
    back.start()
    pump(near, far)
    back.join(30)
    near.close()
    far.close()


class Door(threading.Thread):
    """Listens on an address and leads each connection to a port of loopback: `to` says to which, by the name that TLS asks for."""

    def __init__(self, address, port, to, tls=None):
        super().__init__(daemon=True)
        self.to, self.tls = to, tls
        self.socket = socket.create_server((address, port))
        self.start()

    def shut(self):
        """A close alone would not wake the accept that waits."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.join(10)

    def run(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.lead, args=(near,), daemon=True).start()

    def lead(self, near):
        try:
            near.settimeout(60)
            name = None
            if self.tls:
                near = self.tls.wrap_socket(near, server_side=True)
                name = near.asked_for
            port = self.to(name)
            if port is None:
                near.close()
            else:
                join(near, socket.create_connection(("127.0.0.1", port), 10))
        except OSError:
            near.close()


class World:
    """The peers of a stage, and the doors to them."""

    def __init__(self, folder, binary, **options):
        self.folder = pathlib.Path(folder)
        self.stage = stage.Stage(self.folder / "stage", binary, **options)

    def __enter__(self):
        self.stage.start()
        keys = web.read_json(self.stage.imds_dir / "keys.json")
        self.bucket = bucket.Bucket(keys)
        self.tls = self.make_tls()
        self.is_vendor_away = False
        self.doors = []
        return self

    def __exit__(self, *exc):
        for door in self.doors:
            door.shut()
        self.bucket.shutdown()
        self.stage.close()

    def make_tls(self):
        authority = certificate("An authority for one test", [])
        self.authority = authority[0].public_bytes(serialization.Encoding.PEM)
        server = certificate("AWS", [*AWS, BUCKET, WAIT], authority)
        chain = self.folder / "aws.pem"
        chain.write_bytes(server[0].public_bytes(serialization.Encoding.PEM) + pem(server[1]))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(chain)
        tls.sni_callback = lambda connection, name, context: setattr(connection, "asked_for", name)
        return tls

    def port_of(self, url):
        return int(url.rsplit(":", 1)[1])

    def prepare(self, m):
        """Names and trust of a machine that has not booted yet."""
        hosts = f"127.0.0.1 localhost machine\n{machine.NEAR} {' '.join([*AWS, BUCKET, WAIT])}\n{VENDOR_AT} {stage.VENDOR_HOST}\n"
        m.put("/etc/hosts", hosts)
        m.put("/etc/resolv.conf", f"nameserver {machine.NEAR}\noptions timeout:1 attempts:1\n")
        vendor = (self.stage.keys_dir / "ca.pem").read_bytes()
        m.put(STORE, (m.root / STORE.lstrip("/")).read_bytes() + self.authority + vendor)

    def connect(self, m):
        """After its boot: the addresses of our end are there now."""
        machine.run("ip", "address", "replace", f"{VENDOR_AT}/24", "dev", m.end)
        for door in self.doors:
            door.shut()
        aws = dict.fromkeys(AWS, self.port_of(self.stage.proxy_url)) | dict.fromkeys(
            (BUCKET, WAIT), self.bucket.server_port
        )
        vendor = lambda _: None if self.is_vendor_away else self.stage.vendor_port
        self.doors = [
            Door(machine.METADATA, 80, lambda _: self.port_of(self.stage.imds_url)),
            Door(machine.NEAR, 443, aws.get, self.tls),
            Door(VENDOR_AT, 443, vendor),
        ]

    def configuration(self, more=""):
        """reeve.yaml as a stack writes it, with the keys of this vendor."""
        trust = (self.stage.keys_dir / "trust.yaml").read_text()
        return (
            f"installation: {stage.INSTALLATION}\nvendor:\n  name: velodb\n  url: https://{stage.VENDOR_HOST}\n"
            f'aws:\n  region: {REGION}\n  account: "{self.stage.aws["account"]}"\n{trust}{more}'
        )

    def spec(self, warehouse="wh-1"):
        """A file with a small warehouse: a group, and a cluster of one node."""
        text = examples.fitted("warehouse.yaml", self.stage.aws)
        path = self.folder / f"{warehouse}.yaml"
        path.write_text(re.sub(r"^warehouse: .*$", f"warehouse: {warehouse}", text, flags=re.MULTILINE))
        return path

    def apply(self, warehouse="wh-1"):
        return self.stage.vendor(
            "apply", self.spec(warehouse), "-q", "--command-key", self.stage.keys_dir / "command.key"
        )

    def policy(self):
        """Of the stage, wide enough for that, with the machine's logs and journal let out."""
        text = examples.generous_policy(self.stage).replace("warehouses: [wh-1]", "warehouses: [wh-1, wh-2]")
        return re.sub(r"^  logs: .*$", '  logs: ["/var/log/*", "journald:*"]', text, flags=re.MULTILINE)
