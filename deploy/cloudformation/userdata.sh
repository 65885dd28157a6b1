#!/bin/bash
# userdata.sh - the first boot of the agent's machine: fetch the package, believe it only if the hash and the signature that the
# stack pins agree, install it, start the service, wait until the agent has logged in. That it has, the agent tells the stack itself;
# what went wrong is told from here: the last error goes to the console and to the stack. Until the agent works, a shutdown is
# armed, and the Auto Scaling group replaces a machine that shut down.
#
# It may run again, and does at each boot until the agent has worked once. The policy that is there stays: it is the customer's, and what the stack's parameters say is only how it begins on
# a new machine. The rest is written anew. fill.py sets this file into reeve.yaml without the lines that are comments. What stands in braces is
# set in by CloudFormation (and is a variable of the environment in tests); everything else is a plain $name. The REEVE_ ones are
# for tests alone.
# shellcheck disable=SC2154,SC2317
root=$REEVE_ROOT imds=$REEVE_IMDS pause_s=$REEVE_PAUSE_S patience_s=$REEVE_PATIENCE_S login_s=$REEVE_LOGIN_S has=$REEVE_HAS status=$REEVE_STATUS
umask 022
[ -n "$imds" ] || imds=http://169.254.169.254
[ -n "$pause_s" ] || pause_s=5
[ -n "$patience_s" ] || patience_s=240 # for all that is fetched
[ -n "$login_s" ] || login_s=480      # for the agent; with half the patience, to tell a failure, less than the fifteen minutes
[ -n "$status" ] || status="$root/usr/bin/reeve status -c $root/etc/reeve/reeve.yaml"
ready="${Ready}" base="${PackageBase}"

# The environment makes no proxy and changes nothing of TLS, and no curlrc counts: the role's keys go through here.
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY
unset CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF SSLKEYLOGFILE
export LC_ALL=C
curl() { command curl -q --noproxy '*' "$@"; }

say() { echo "reeve: $1"; }

# shutdown needs logind for a later time; systemd itself does not. armed says which it was.
arm() {
	if shutdown -h "+$1" "reeve: $2"; then
		armed=shutdown
	else
		systemctl stop "reeve-deadline-$1.timer" 2>/dev/null || true
		systemd-run --unit="reeve-deadline-$1" --on-active="$1m" --timer-property=AccuracySec=1s systemctl poweroff || return 1
		armed=timer
	fi
}
disarm() {
	case "$armed" in
	shutdown) shutdown -c ;;
	timer) systemctl stop reeve-deadline-15.timer ;;
	esac
}

# The handle, if a stack waits, is a signed address of S3; its signature is for a request without a Content-Type.
tell() {
	local code end=$((SECONDS + patience_s / 2))
	[ -n "$ready" ] || return 0
	while :; do
		code=$(printf '%s' "$1" | curl -sS -o /dev/null -w '%{http_code}' --max-time 30 -X PUT -H 'Content-Type:' --data-binary @- "$ready")
		case "$code" in
		2??) return 0 ;;
		408 | 429 | 5??) ;;
		"" | 000) code='no answer' ;;
		*) break ;;
		esac
		[ $SECONDS -lt $end ] || break
		sleep "$pause_s"
	done
	say "the stack cannot be told: $code"
}
failed() {
	local why=$1 reason
	set +e
	trap - ERR
	told=yes
	[ -n "$armed" ] || why="$why (no shutdown was armed)"
	say "$why"
	reason=$(printf '%s' "$why" | tr -cd '\040-\176' | cut -c1-800 | sed 's/["\\]/\\&/g')
	tell "$(printf '{"Status": "FAILURE", "UniqueId": "%s", "Data": "first boot", "Reason": "%s"}' "$RANDOM$RANDOM" "$reason")"
	arm 1 "$why" || systemctl poweroff || say 'this machine cannot be ended'
	exit 1
}
# The second is for what fails within a function: the first does not see it. Nothing may fail before they stand.
told="" work="" armed=""
trap 'failed "first boot failed at line $LINENO: $BASH_COMMAND"' ERR
ends() {
	[ -z "$work" ] || rm -rf "$work"
	[ "$1" = 0 ] || [ -n "$told" ] || failed "first boot ended with $1: $2"
}
trap 'ends $? "$BASH_COMMAND"' EXIT
set -euo pipefail
arm 15 'the agent did not start' || say 'no shutdown can be armed: nothing ends this machine if the agent hangs'

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
	'http://[fd00:ec2::254]') printf '%s' "$base" | sed 's/[.]s3[.]/.s3.dualstack./' ;;
	*) printf '%s' "$base" ;;
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
	failed "$1 cannot be fetched from $base: $why"
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
# What went wrong in the words of dpkg, rpm or tar; where none of the lines looks like it, the last ones.
why_not() {
	{ grep -iE 'cannot|no space|depends|needed by|unexpected|not look like|conflict' "$work/log" || tail -n 3 "$work/log"; } | head -n 3 | tr '\n' ' '
}
# Another program, as unattended upgrades at a first boot, may hold the lock; dpkg and rpm do not wait for it.
is_held() { grep -qE 'locked by another process|temporarily unavailable' "$work/log" && [ $SECONDS -lt $((patience_s + login_s / 2)) ]; }
waits=""
until unpack >"$work/log" 2>&1; do
	is_held || failed "$package cannot be installed: $(why_not)"
	[ -n "$waits" ] || say "another program holds the lock of $has; it is waited for"
	waits=yes
	sleep "$pause_s"
done
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
rm -f "$root/etc/reeve/wait-handle"
[ -z "$ready" ] || {
	(umask 077 && echo "$ready" >"$root/etc/reeve/wait-handle")
	chown reeve: "$root/etc/reeve/wait-handle"
}
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
		disarm || say 'the armed shutdown cannot be called off: this machine ends, and the group makes a new one'
		rm -f "$again"
		say "the agent of $package has logged in"
		exit 0
		;;
	esac
	[ "$(systemctl show --property NRestarts --value reeve.service)" -lt 3 ] || failed "the agent does not stay up: $(trouble)"
done
failed "the agent runs, but has not logged in: $(trouble)"
