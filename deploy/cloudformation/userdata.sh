#!/bin/bash
# userdata.sh - the first boot of the agent's machine: fetch the package, believe it only if the hash and the signature that the
# stack pins agree, install it, start the service, wait until the agent has logged in. That it has, the agent tells the stack itself;
# what went wrong is told from here: the last error goes to the console and to the stack. Until the agent works, a shutdown is
# armed, and the Auto Scaling group replaces a machine that shut down.
#
# It may run again, and does at each boot until the agent has worked once. The policy that is there stays: it is the customer's, and what the stack's parameters say is only how it begins on
# a new machine. The rest is written anew. fill.py sets this file into reeve.yaml as it is. What stands in braces is
# set in by CloudFormation (and is a variable of the environment in tests); everything else is a plain $name. The REEVE_ ones are
# for tests alone.
# shellcheck disable=SC2154,SC2317
root=$REEVE_ROOT imds=$REEVE_IMDS pause_s=$REEVE_PAUSE_S patience_s=$REEVE_PATIENCE_S login_s=$REEVE_LOGIN_S has=$REEVE_HAS status=$REEVE_STATUS
set -euo pipefail
umask 022
shutdown -h +15 "reeve: the agent did not start"
[ -n "$imds" ] || imds=http://169.254.169.254
[ -n "$pause_s" ] || pause_s=5
[ -n "$patience_s" ] || patience_s=240 # for all that is fetched
[ -n "$login_s" ] || login_s=600      # for the agent; together less than the fifteen minutes
[ -n "$status" ] || status="$root/usr/bin/reeve status -c $root/etc/reeve/reeve.yaml"

say() { echo "reeve: $1"; }

# The handle is a signed address of S3; its signature is for a request without a Content-Type.
failed() {
	local reason
	told=yes
	say "$1"
	reason=$(printf '%s' "$1" | LC_ALL=C tr -cd '\040-\176' | cut -c1-800 | sed 's/["\\]/\\&/g')
	printf '{"Status": "FAILURE", "UniqueId": "%s", "Data": "first boot", "Reason": "%s"}' "$RANDOM$RANDOM" "$reason" |
		curl -sS --max-time 30 -X PUT -H 'Content-Type:' --data-binary @- "${Ready}" || say 'the stack cannot be told'
	shutdown -h +1 "reeve: $1"
	exit 1
}
# The second is for what fails within a function: the first does not see it.
told="" work=""
trap 'failed "first boot failed at line $LINENO: $BASH_COMMAND"' ERR
ends() {
	[ -z "$work" ] || rm -rf "$work"
	[ "$1" = 0 ] || [ -n "$told" ] || failed "first boot ended with $1: $2"
}
trap 'ends $? "$BASH_COMMAND"' EXIT

# A reboot forgets an armed shutdown, and cloud-init runs user data once: what it runs at each boot arms it again.
again=$root/var/lib/cloud/scripts/per-boot/reeve
[ "$0" = "$again" ] || install -D -m 700 "$0" "$again" || say 'a reboot before the agent works would not be noticed'

# In a subnet without IPv4 the metadata service and S3 answer elsewhere.
other() {
	case "$imds" in
	http://169.254.169.254) imds='http://[fd00:ec2::254]' ;;
	'http://[fd00:ec2::254]') imds=http://169.254.169.254 ;;
	esac
}
bucket() {
	case "$imds" in
	'http://[fd00:ec2::254]') printf '%s' "${PackageBase}" | sed 's/[.]s3[.]/.s3.dualstack./' ;;
	*) printf '%s' "${PackageBase}" ;;
	esac
}
metadata() { curl -sSfg --connect-timeout 2 --max-time 5 --retry 3 --retry-all-errors --retry-delay "$pause_s" "$@"; }

# The object is read with the keys of the instance role; they go to curl by a pipe, not by its command line.
get() {
	local token role keys
	token=$(metadata -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$imds/latest/api/token") || {
		other
		return 1
	}
	role=$(metadata -H "X-aws-ec2-metadata-token: $token" "$imds/latest/meta-data/iam/security-credentials/") &&
		keys=$(metadata -H "X-aws-ec2-metadata-token: $token" "$imds/latest/meta-data/iam/security-credentials/$role") ||
		return 1
	key() { printf '%s' "$keys" | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }
	printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' \
		"$(key AccessKeyId)" "$(key SecretAccessKey)" "$(key Token)" |
		curl -sSf --connect-timeout 5 --max-time 120 -K - --aws-sigv4 "aws:amz:${Region}:s3" \
			-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -o "$2" "$(bucket)/$1"
}

# The metadata service, a role that was just made and the route to the bucket may each take a minute.
fetch() {
	local why=""
	while [ $SECONDS -lt "$patience_s" ]; do
		! get "$1" "$2" 2>"$work/why" || return 0
		[ -n "$why" ] || say "$1 cannot be fetched yet; it is tried for some minutes"
		why=$(tail -n 1 "$work/why" 2>&1 || true)
		[ -n "$why" ] || why="nothing tells why: is $work full?"
		sleep "$pause_s"
	done
	failed "$1 cannot be fetched from ${PackageBase}: $why"
}

work=$(mktemp -d)
sums="reeve-${PackageVersion}-$(uname -m).sums"
fetch "$sums" "$work/sums"
fetch "$sums.sig" "$work/sums.sig"
echo "${PackageSha256}" "$work/sums" | sha256sum -c --status || failed "$sums is not the one that the stack names"
# An Ed25519 key as PEM: twelve fixed bytes, then the key.
printf -- '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA%s\n-----END PUBLIC KEY-----\n' "${PackageSigner}" >"$work/signer.pem"
openssl pkeyutl -verify -rawin -pubin -inkey "$work/signer.pem" -in "$work/sums" -sigfile "$work/sums.sig" >/dev/null ||
	failed "the signature of $sums is not good"

# The package that this machine knows how to keep.
[ -n "$has" ] || has=$(for tool in dpkg rpm; do ! command -v "$tool" >/dev/null || echo "$tool"; done | head -n 1)
case "$has" in dpkg) kind=deb ;; rpm) kind=rpm ;; *) kind=tar.gz ;; esac
line=$(grep "\.$kind\$" "$work/sums") || failed "$sums names no .$kind"
package=$(printf '%s' "$line" | sed 's/^[0-9a-f]* *//')
fetch "$package" "$work/$package"
(cd "$work" && printf '%s\n' "$line" | sha256sum -c --status) || failed "$package is not the one that $sums names"
unpack() {
	case "$kind" in
	deb) dpkg -i "$work/$package" ;;
	rpm) rpm -U --replacepkgs --oldpackage "$work/$package" ;;
	*) tar -xzf "$work/$package" -C "$root/" --strip-components=1 --no-same-owner --no-overwrite-dir ;;
	esac
}
# What went wrong, and the lines behind it: dpkg names the archive first and its trouble then.
why_not() { grep -iE 'error|cannot|no space' "$work/log" | head -n 3 | tr '\n' ' '; }
unpack >"$work/log" 2>&1 || failed "$package cannot be installed: $(why_not)"
systemd-sysusers reeve.conf

install -d "$root/etc/reeve"
cat >"$root/etc/reeve/reeve.yaml" <<END
installation: ${Installation}
vendor:
  name: ${Vendor}
  url: ${VendorUrl}
  ${Proxy}
aws:
  region: ${Region}
  account: "${Account}"
trust:
  keys:
    - name: command
      role: command
      public_key: ${CommandKey}
    - name: release
      role: release
      public_key: ${ReleaseKey}
    - name: head
      role: head
      public_key: ${HeadKey}
telemetry:
  host_metrics:
    interval: 15s
END
[ -e "$root/etc/reeve/policy.yaml" ] || cat >"$root/etc/reeve/policy.yaml" <<END
commands:
  warehouse.apply: ${Apply}
  warehouse.delete: ${Delete}
bounds:
  instance_types: [${NodeTypes}]
  nodes_per_cluster: ${NodesPerCluster}
  nodes_total: ${NodesTotal}
  images: [${Owners}${NodeImages}]
  subnets: [${NodeSubnets}]
  warehouses: [${Warehouses}]
  user_data_sha256: [${NodeUserData}]
  instance_profiles: [${Vendor}-role-${Installation}-node]
  kms_keys: [${NodeKmsKeys}]
  volumes_per_node: 8
  volume_types: [gp3]
  volume_gib: ${VolumeGib}
  iops: 16000
  throughput: 1000
  balancers: 1
  tag_keys: [${NodeTagKeys}]
  cidrs: [${RuleCidrs}]
  ports: [${RulePorts}]
delete_hold: 24h
export:
  metrics: ["system.*", "reeve.*"]
END
# Metrics of the machine are sent, so the service may see it.
install -D -m 644 "$root/usr/share/reeve/telemetry.conf" "$root/etc/systemd/system/reeve.service.d/telemetry.conf"
(umask 077 && echo "${Ready}" >"$root/etc/reeve/wait-handle")
chown reeve: "$root/etc/reeve/wait-handle"
wrong=$("$root/usr/bin/reeve" check-config "$root/etc/reeve/reeve.yaml" 2>&1) || failed "the configuration is not good: $wrong"

# What the agent itself says of its trouble: its newest error, or the newest line.
trouble() {
	local said
	said=$(journalctl --unit reeve.service --priority err --output cat --lines 1 --no-pager 2>/dev/null)
	[ -n "$said" ] || said=$(journalctl --unit reeve.service --output cat --lines 1 --no-pager 2>/dev/null)
	echo "$said"
}

systemctl daemon-reload
systemctl enable reeve.service
systemctl restart --no-block reeve.service
while [ $SECONDS -lt $((patience_s + login_s)) ]; do
	sleep "$pause_s"
	said=$($status 2>&1 || true)
	case "$said" in
	*READ_ONLY*) failed "the agent is read-only: $(trouble)" ;;
	*', connected, last answer '*)
		shutdown -c
		rm -f "$again"
		say "the agent of $package has logged in"
		exit 0
		;;
	esac
	[ "$(systemctl show --property NRestarts --value reeve.service)" -lt 3 ] || failed "the agent does not stay up: $(trouble)"
done
failed "the agent runs, but has not logged in: $(trouble)"
