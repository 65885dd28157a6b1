#!/bin/bash
# userdata.sh - the first boot of the agent's machine: fetch the package, believe it only if the hash and the signature that
# the stack pins agree, install it, start the unit, wait for its first login, tell the stack. Until the agent runs, a shutdown is armed, and the Auto
# Scaling group replaces a machine that shut down: every failure is retried on a new one, and its reason is on the console.
#
# fill.py sets this file into reeve.yaml as it is. What stands in braces is set in by CloudFormation (and is a variable of the
# environment in tests); everything else is a plain $name. The REEVE_ ones are for tests alone.
# shellcheck disable=SC2154
root=$REEVE_ROOT imds=$REEVE_IMDS settle_s=$REEVE_SETTLE_S status=$REEVE_STATUS
set -euo pipefail
umask 022
[ -n "$imds" ] || imds=http://169.254.169.254
[ -n "$settle_s" ] || settle_s=5
[ -n "$status" ] || status="$root/usr/bin/reeve status -c $root/etc/reeve/reeve.yaml"
shutdown -h +15 "reeve: the agent did not start"

ready() {
	printf '{"Status": "%s", "UniqueId": "%s", "Data": "%s", "Reason": "%s"}' "$1" "$RANDOM$RANDOM" "$1" "$2" |
		curl -sS --max-time 30 -X PUT -H 'Content-Type:' --data-binary @- "${Ready}" || true
}

failed() {
	echo "reeve: $1"
	ready FAILURE "$1"
	shutdown -h +1 "reeve: $1"
	exit 1
}
trap 'failed "first boot failed at line $LINENO"' ERR

# The object is read with the keys of the instance role; they go to curl by a pipe, not by its command line.
fetch() {
	local token role keys
	token=$(curl -sSf --max-time 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$imds/latest/api/token")
	role=$(curl -sSf --max-time 5 -H "X-aws-ec2-metadata-token: $token" "$imds/latest/meta-data/iam/security-credentials/")
	keys=$(curl -sSf --max-time 5 -H "X-aws-ec2-metadata-token: $token" \
		"$imds/latest/meta-data/iam/security-credentials/$role")
	key() { printf '%s' "$keys" | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }
	printf 'user = "%s:%s"\nheader = "x-amz-security-token: %s"\n' \
		"$(key AccessKeyId)" "$(key SecretAccessKey)" "$(key Token)" |
		curl -sSf --retry 5 --retry-connrefused --max-time 120 -K - --aws-sigv4 "aws:amz:${Region}:s3" \
			-H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' -o "$2" "${PackageBase}/$1"
}

work=$(mktemp -d)
fetch "${PackageKey}" "$work/package" || failed 'the package cannot be fetched'
fetch "${PackageKey}.sig" "$work/package.sig" || failed 'the signature cannot be fetched'
echo "${PackageSha256}" "$work/package" | sha256sum -c --status || failed 'the package is not the one the stack names'
# An Ed25519 key as PEM: twelve fixed bytes, then the key.
printf -- '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA%s\n-----END PUBLIC KEY-----\n' "${PackageSigner}" >"$work/signer.pem"
openssl pkeyutl -verify -rawin -pubin -inkey "$work/signer.pem" -in "$work/package" -sigfile "$work/package.sig" >/dev/null ||
	failed 'the signature of the package is not good'

version=$(tar -tzf "$work/package" | sed -n '1s,/.*,,p')
install -d "$root/etc/reeve"
tar -xzf "$work/package" -C "$root/" --strip-components=1 --no-same-owner --no-overwrite-dir
rm -rf "$work"

cat >"$root/etc/reeve/reeve.yaml" <<END
installation: ${Installation}
vendor:
  name: ${Vendor}
  url: ${VendorUrl}
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
cat >"$root/etc/reeve/policy.yaml" <<END
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
"$root/usr/bin/reeve" check-config -c "$root/etc/reeve/reeve.yaml" || failed 'the configuration is not good'

systemd-sysusers
systemctl daemon-reload
systemctl enable --now reeve.service || failed 'the agent does not start'
# Success means that the vendor has let it in: its answer to a poll is behind the login.
connected=no
for _ in $(seq 100); do
	sleep "$settle_s"
	[ "$(systemctl show -p NRestarts --value reeve.service)" = 0 ] || failed 'the agent does not stay up'
	said=$($status || true)
	case "$said" in *', connected, last answer '*) connected=yes && break ;; esac
done
[ $connected = yes ] || { echo "$said" && failed 'the agent runs, but has not logged in'; }
shutdown -c
ready SUCCESS 'the agent has logged in'
echo "reeve: $version has logged in"
