"""reeve check-config: all that is wrong with a file, what lies beside it, and what people would wonder about."""

import os
import shutil

import pytest

from tests.e2e.cli.conftest import reeve
from tests.peers.stage import is_root

POLICY = 'commands: {warehouse.apply: auto}\nexport: {logs: ["/var/log/app/*.log", "/srv/*/x"]}\n'


@pytest.fixture
def beside(site):
    """A policy that root wrote is believed; the tests of who may write it are in tests/e2e/agent."""
    if not is_root():
        pytest.skip("needs root: a policy that its reader could write counts as none")
    site.policy(POLICY)
    return site


def test_a_good_file_is_ok_as_an_argument_and_with_c(beside):
    for args in ((beside.config,), ("-c", beside.config)):
        run = reeve("check-config", *args)
        assert run.returncode == 0
        assert f"{beside.config}: ok, installation inst-1 of https://control.example, 3 trusted keys" in run.stdout
        assert "warning" not in run.stdout
    assert reeve("check-config", "a", "b").returncode == 2


def test_all_errors_of_a_file_are_told_each_with_its_line(site):
    site.write(
        "poll: {idle: fast, busy: 1ms}\naws: {region: nowhere, account: 12}\nextra: 1\n", vendor="https://h/reeve"
    )
    run = reeve("check-config", site.config)
    assert run.returncode == 1 and ": ok" not in run.stdout
    daemon = [x for x in reeve("run", "-c", site.config).stderr.splitlines() if "config.wrong" in x]
    assert len(daemon) == 6  # which does not start, and says why as well
    told = run.stderr.splitlines()
    lines = site.config.read_text().splitlines()
    for what in ("idle: found", "busy: found", "region: found", "account: found", 'key "extra"', "url: found"):
        line = next(x for x in told if what in x)
        number = int(line.removeprefix(f"reeve: {site.config}:").split(":")[0])
        assert what.split(":")[0].split('"')[-2 if '"' in what else 0] in lines[number - 1]
    told = [x for x in told if x.startswith(f"reeve: {site.config}")]
    assert len(told) == 6
    many = {"poll": 100, "journal": 100, "log": 100}
    site.write("".join(f"{m}: {{{', '.join(f'key{k}: 1' for k in range(n))}}}\n" for m, n in many.items()))
    told = [x for x in reeve("check-config", site.config).stderr.splitlines() if str(site.config) in x]
    assert len(told) == 257 and told[-1].endswith("and 44 more")  # of very many not all
    site.write("".join(f"key{n}: 1\n" for n in range(60)))
    told = [x for x in reeve("check-config", site.config).stderr.splitlines() if str(site.config) in x]
    assert len(told) == 60  # of many all


def test_what_yaml_has_and_we_have_not_hides_no_other_error(site):
    whole = site.config.read_text()
    first = whole.count("\n") + 1
    site.write(
        "poll: {idle: fast}\npoll: {busy: slow}\nlog: &x {level: loud}\njournal: *x\nextra: 1\n"
        "aws: {region: !!str nowhere, region: us-east-1}\n"
    )
    told = [x for x in reeve("check-config", site.config).stderr.splitlines() if str(site.config) in x]
    wanted = {
        ("poll", first + 1, 'key "poll" stands twice'),
        ("anchor", first + 2, "anchors are not allowed"),
        ("alias", first + 3, "aliases are not allowed"),
        ("tag", first + 5, "tags are not allowed"),
        ("region", first + 5, 'key "region" stands twice'),
        ("extra", first + 4, 'key "extra" is not known here'),
        ("nowhere", first + 5, "expected a region of AWS"),
        ("fast", first, "idle: found"),
        ("slow", first + 1, "busy: found"),
        ("loud", first + 2, "level: found"),
    }
    for name, line, what in wanted:
        assert [x for x in told if x.startswith(f"reeve: {site.config}:{line}: ") and what in x], (name, told)
    assert len(told) == len(wanted)
    site.policy(
        "mode: maybe\nmode: on\nrates: {mutations_per_hour: *x}\ndelete_hold: soon\nexport: {redact: [*x, {name: *x}]}\n"
    )
    run = reeve("check-config", site.config)
    for line, what in (
        (1, "mode: found"),
        (2, "stands twice"),
        (3, "aliases"),
        (4, "delete_hold: found"),
        (5, "aliases"),
    ):
        assert [x for x in run.stdout.splitlines() if f"policy.yaml:{line}: " in x and what in x], (line, run.stdout)
    assert 'key "pattern" is missing' in run.stdout


def test_a_proxy_and_dual_stack_hosts_are_fine_and_a_password_or_a_second_way_is_not(site):
    site.write("aws: {dualstack: true}\n", extra_vendor="  proxy: http://proxy.example:3128\n")
    run = reeve("check-config", site.config)
    assert run.returncode == 0
    assert "ok, installation inst-1 of https://control.example by the proxy proxy.example:3128" in run.stdout
    for more, told in (
        ("  proxy: http://reeve:hunter2@proxy.example:3128\n", "found a text that is not shown here"),
        ("  proxy: http://proxy.example:3128\n  connect_to: vpce-0.example:443\n", "no connect_to beside it"),
    ):
        site.write(extra_vendor=more)
        run = reeve("check-config", site.config)
        assert run.returncode == 1 and told in run.stderr and "hunter2" not in run.stdout + run.stderr


def test_of_a_file_whose_syntax_is_broken_it_is_said_that_the_rest_was_not_read(site):
    site.write("poll: {idle: fast}\naws: {region: us-east-1]\nextra: 1\n")
    told = [x for x in reeve("check-config", site.config).stderr.splitlines() if str(site.config) in x]
    assert "not YAML" in told[0] and told[0].endswith("the rest was not read")
    assert "idle: found" in told[1] and len(told) == 2
    whole = site.config.read_text()
    for cut in range(len(whole)):
        site.config.write_text(whole[:cut])
        assert reeve("check-config", site.config).returncode in (0, 1), cut


@pytest.mark.parametrize("vendor", ["https://h/reeve", "https://h/v1/opamp", "https://h:443/a/b"])
def test_a_path_in_the_vendors_url_is_refused(site, vendor):
    site.write(vendor=vendor)
    run = reeve("check-config", site.config)
    assert run.returncode == 1 and "a URL without a path" in run.stderr


@pytest.mark.parametrize(
    ("region", "good"), [("eu-central-1", True), ("us-gov-west-1", True), ("us-esat-1", False), ("moon", False)]
)
def test_a_region_is_one(site, region, good):
    site.write(f"aws: {{region: {region}}}\n")
    run = reeve("check-config", site.config)
    assert (run.returncode == 0) == good
    assert good or "expected a region of AWS" in run.stderr


def test_a_region_that_is_on_no_list_is_a_warning_because_new_ones_open(site):
    for region, warned in (("us-east-77", True), ("eu-central-2", False), ("cn-north-1", False)):
        site.write(f"aws: {{region: {region}}}\n")
        run = reeve("check-config", site.config)
        assert run.returncode == 0 and ": ok, installation" in run.stdout
        assert (
            f"warning: {site.config}: aws.region: {region} is no region that this version knows" in run.stdout
        ) == warned


def test_a_missing_policy_is_a_warning_and_a_broken_one_an_error(site):
    run = reeve("check-config", site.config)
    assert run.returncode == 0
    assert f"warning: {site.dir}/policy.yaml: counts as none" in run.stdout
    assert "policy.yaml: ok" not in run.stdout
    site.policy("bounds: {nodes_total: many}\n")
    run = reeve("check-config", site.config)
    assert run.returncode == 1 and "counts as none" in run.stdout and "warning" not in run.stdout


def test_all_errors_of_a_policy_are_told_too(site):
    site.policy(
        "mode: maybe\ncommands: {warehouse.apply: yes, warehouse.eat: auto}\nbounds:\n  nodes_total: many\n"
        "  cidrs: [10.0.0.1/8, 10.0.0.0/8, x]\n  ports: [1-0]\nrates: {mutations_per_hour: lots}\ndelete_hold: soon\n"
        "export:\n  drop: ['(']\n  redact: [{name: x}, {name: y, pattern: '['}]\n"
    )
    run = reeve("check-config", site.config)
    assert run.returncode == 1
    for line in (1, 2, 2, 4, 5, 5, 6, 7, 8, 10, 11, 11):
        assert f"policy.yaml:{line}: " in run.stdout
    assert run.stdout.count("policy.yaml:") == 13  # and its name once


@pytest.mark.parametrize(
    ("roles", "warned"),
    [
        (("command", "head"), ["release"]),
        (("command", "release"), ["head"]),
        (("release", "head"), ["command"]),
        (("command",), ["release", "head"]),
        (("command", "release", "head"), []),
    ],
)
def test_a_role_without_a_key_is_a_warning_that_says_what_follows(site, roles, warned):
    site.write(roles=roles)
    run = reeve("check-config", site.config)
    told = [x for x in run.stdout.splitlines() if x.startswith("warning:") and "has no key of role" in x]
    assert run.returncode == 0 and [x.split("role ")[1].split(":")[0] for x in told] == warned


def ca_file(site, name, content):
    path = site.dir / name
    if content is not None:
        path.write_text(content)
    site.write(extra_vendor=f"  ca_file: {path}\n")
    return reeve("check-config", site.config)


def test_the_ca_file_is_opened(site):
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    with open(bundle) as f:
        whole = f.read()
    good = whole[: whole.index("-----END CERTIFICATE-----") + 26]
    assert ca_file(site, "good.pem", good).returncode == 0
    wrong = {
        "missing.pem": None,
        "empty.pem": "",
        "none.pem": "no certificate\n",
        "damaged.pem": good.replace("A", "!", 3),
    }
    for name, content in wrong.items():
        run = ca_file(site, name, content)
        assert run.returncode == 1 and f"vendor.ca_file: {site.dir}/{name}" in run.stderr, name
        assert ": ok, installation" not in run.stdout
    site.write("aws: {region: nowhere}\n", extra_vendor=f"  ca_file: {site.dir}/missing.pem\n")
    told = reeve("check-config", site.config).stderr  # also of a file that has other faults
    assert "region: found" in told and f"vendor.ca_file: {site.dir}/missing.pem" in told
    (site.dir / "folder.pem").mkdir()
    assert ca_file(site, "folder.pem", None).returncode == 1
    if not is_root():  # root reads everything; where the service's user exists, root looks with its eyes
        (site.dir / "good.pem").chmod(0)
        assert ca_file(site, "good.pem", None).returncode == 1


def test_a_policy_that_wants_hmacs_needs_a_key_that_is_one(beside):
    beside.policy("export: {logs: [], detect: [ip, {name: email, action: hmac}]}\n")
    key = beside.dir / "hmac.key"
    run = reeve("check-config", beside.config)
    assert run.returncode == 1 and "telemetry.hmac_key_file is not given" in run.stderr
    beside.write(f"telemetry: {{hmac_key_file: {key}}}\n")
    wrong = (
        (None, 0, str(key)),
        (b"x" * 32, 0o644, "open to others"),
        (b"x" * 15 + b"\n", 0o600, "fewer than 16 bytes"),
    )
    for content, mode, says in wrong:
        if content is not None:
            key.write_bytes(content)
            key.chmod(mode)
        run = reeve("check-config", beside.config)
        assert run.returncode == 1 and "telemetry.hmac_key_file: " in run.stderr and says in run.stderr
        assert "no telemetry would leave" in run.stderr
    key.write_bytes(b"x" * 16)
    assert reeve("check-config", beside.config).returncode == 0
    beside.policy("export: {logs: [], detect: [ip, email]}\n")
    key.unlink()
    assert reeve("check-config", beside.config).returncode == 0  # nobody wants it


def test_the_headers_for_the_customers_receiver_are_looked_at(beside):
    auth = beside.dir / "otel.headers"
    beside.write(f'telemetry: {{customer: {{url: "https://otel.example", auth_file: {auth}}}}}\n')
    wrong = (
        (None, 0, str(auth)),
        ("Authorization: Bearer x\n", 0o644, "open to others"),
        ("Authorization: Bearer x\nsecret\n", 0o600, f"{auth}:2: no header"),
    )
    for content, mode, says in wrong:
        if content is not None:
            auth.write_text(content)
            auth.chmod(mode)
        run = reeve("check-config", beside.config)
        assert run.returncode == 1 and "telemetry.customer.auth_file: " in run.stderr and says in run.stderr
        assert "secret" not in run.stderr
    auth.write_text("Authorization: Bearer x\n")
    assert reeve("check-config", beside.config).returncode == 0


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("/var/log/app/a.log", True),
        ("/var/log/app/*.log", True),
        ("/var/log/app/a?.log", True),
        ("/srv/any/x", True),
        ("/var/log/app/a.txt", False),
        ("/var/log/other/*", False),
        ("/var/log/app/*.gz", False),
        ("/srv/any/y*", False),
    ],
)
def test_a_log_that_the_policy_lets_not_out_is_a_warning(beside, path, out):
    beside.write(f'telemetry: {{logs: [{{path: "{path}", service: app}}]}}\n')
    run = reeve("check-config", beside.config)
    assert run.returncode == 0
    assert (f"warning: {beside.config}: telemetry.logs: {path} is followed, but no export.logs" in run.stdout) == (
        not out
    )


def test_a_log_is_judged_by_where_it_really_is(beside):
    real = beside.dir / "real"
    real.mkdir()
    os.symlink(real, beside.dir / "link")
    beside.policy(f'export: {{logs: ["{real}/*"]}}\n')
    for folder, out in (("link", True), ("real", True), ("elsewhere", False)):
        beside.write(f"telemetry: {{logs: [{{path: {beside.dir}/{folder}/a.log, service: app}}]}}\n")
        assert ("is followed, but no export.logs" in reeve("check-config", beside.config).stdout) == (not out)
    shutil.rmtree(real)


def test_a_unit_that_the_policy_lets_not_out_is_a_warning(beside):
    beside.policy('export: {logs: ["journald:doris-*"]}\n')
    beside.write("telemetry: {logs: [{journald: [doris-be.service, ssh.service], service: app}]}\n")
    run = reeve("check-config", beside.config)
    assert run.returncode == 0
    assert f"warning: {beside.config}: telemetry.logs: journald:ssh.service is followed, but no" in run.stdout
    assert "doris-be" not in run.stdout


def test_two_files_are_one_too_many(tmp_path):
    run = reeve("check-config", "-c", tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert run.returncode == 2 and "takes one file" in run.stderr
    assert "see reeve check-config --help" in run.stderr
