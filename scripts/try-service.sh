#!/usr/bin/env bash
# Runs scripts/img2pose-monitor.service under a systemd of its own, as root: ./scripts/try-service.sh [SECONDS the monitor may take to be
# ready, 120 by default]. The machine's own service manager and files are left alone: the trial has name spaces and an overlay of the root
# folder for itself, which are gone when it ends. The program must have been built (./run.sh --version); it needs systemd, openssl, curl
# and what the tests' RTSP server needs. It starts the unit with a generated pattern, an RTSP camera and a masked one over UDP, waits until
# all are live, reloads it, stops it, and prints what systemd says of it. Fails where one of these does not come about.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
patience=${1:-120}
if [ "${IMG2POSE_TRIAL:-}" = "" ]; then
  [ "$(id -u)" -eq 0 ] || { echo "$0: needs root, for name spaces" >&2; exit 2; }
  work=$(mktemp -d /var/tmp/img2pose-service.XXXXXX)
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/space" "$work/out"
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/out/key.pem" -out "$work/out/cert.pem" -days 2 -subj /CN=localhost 2>/dev/null
  cat "$work/out/cert.pem" "$work/out/key.pem" >"$work/out/monitor.pem"
  clip=$root/.cache/demo/portrait.mp4
  ffmpeg -nostdin -v error -stream_loop -1 -i "$clip" -t 10 -vf "fps=10,scale=640:360:force_original_aspect_ratio=decrease,pad=640:360:-1:-1" -an \
    -c:v libx264 -preset veryfast -tune zerolatency -g 10 -x264-params "aud=1:repeat-headers=1:threads=1" -f h264 "$work/out/clip.h264"
  cp "$root/tests/servers/rtsp_server.py" "$work/out"
  IMG2POSE_TRIAL=$work timeout -k 5 "$((patience + 90))" unshare --mount --pid --fork --kill-child --uts --ipc --net "$0" "$patience" >"$work/systemd" 2>&1 || true
  cat "$work/out/trial" 2>/dev/null || tail -n 20 "$work/systemd"
  grep -qx "trial passed" "$work/out/trial" || { tail -n 20 "$work/out/log" >&2 || true; echo "the service does not work" >&2; exit 1; }
  exit 0
fi

# From here on in name spaces of its own; nothing of this is seen outside.
space=$IMG2POSE_TRIAL/space
mount -t tmpfs tmpfs "$space"
mkdir "$space/upper" "$space/work" "$space/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$space/upper,workdir=$space/work" "$space/root"
new=$space/root
mount -t proc proc "$new/proc"
mount -t sysfs sysfs "$new/sys" 2>/dev/null || mount --rbind /sys "$new/sys"
mount -t tmpfs tmpfs "$new/run"
mount -t tmpfs tmpfs "$new/tmp"
mount --rbind /dev "$new/dev"
mount -t tmpfs tmpfs "$new/sys/fs/cgroup"
mkdir "$new/sys/fs/cgroup/systemd"
# The old tree alone: a second one of version 2 is not to be had beside the machine's own.
mount -t cgroup -o none,name=systemd none "$new/sys/fs/cgroup/systemd"
mkdir -p "$new/opt/img2pose" "$new/opt/models" "$new/etc/img2pose" "$new/out"
mount --bind "$root/src/Img2Pose.Cli/bin/Release/net10.0" "$new/opt/img2pose"
mount --bind "$root/models" "$new/opt/models"
mount --bind "$IMG2POSE_TRIAL/out" "$new/out"
cp "$root/scripts/img2pose-monitor.service" "$new/etc/systemd/system/"
cp "$IMG2POSE_TRIAL/out/monitor.pem" "$new/etc/img2pose/"
echo IMG2POSE_MODELS=/opt/models >"$new/etc/img2pose/secrets.env"
cat >"$new/etc/img2pose/cameras.yaml" <<'YAML'
cameras:
  - { name: pattern, url: "lavfi:testsrc2=size=640x360:rate=10", looks: 2 }
  - { name: one, url: "rtsp://127.0.0.1:9554/1", looks: 2 }
  - { name: two, url: "rtsp://127.0.0.1:9554/2", looks: 2, mask: true, transport: udp }
rules: [{ name: somebody, when: appears }]
users: [{ name: root, role: admin, password: of-this-trial-alone }]
YAML
cat >"$new/out/trial.sh" <<TRIAL
set -u
fail() { echo "failed: \$*"; exit 1; }
ip link set lo up
mkdir -p /run/systemd/system/img2pose-monitor.service.d
printf '[Unit]\nWants=\nAfter=\n[Service]\nStandardError=file:/out/log\n' >/run/systemd/system/img2pose-monitor.service.d/trial.conf
systemctl daemon-reload
systemctl --version | head -n 1
/usr/bin/python3 /out/rtsp_server.py --port 9554 /1=/out/clip.h264:10 /2=/out/clip.h264:10 < <(sleep 1000) >/dev/null 2>&1 &
systemctl start img2pose-monitor || fail start
for ((i = 0; i < 2 * $patience; i++)); do
  # Nothing tells of readiness but the address.
  curl -sk https://localhost:8443/readyz | tee /out/ready | grep -q '"ready":true' && break
  systemctl is-active -q img2pose-monitor || fail "it has ended"
  sleep 0.5
done
cat /out/ready; echo
grep -q '"ready":true' /out/ready || fail "it is not ready"
pid=\$(systemctl show -P MainPID img2pose-monitor)
grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/\$pid/status"
systemctl reload img2pose-monitor || fail reload
sleep 2
[ "\$(systemctl show -P MainPID img2pose-monitor)" = "\$pid" ] || fail "reload has ended it"
ls -l /var/lib/private/img2pose
[ -s /var/lib/private/img2pose/monitor.db ] || fail "nothing is stored"
began=\$(date +%s%N)
systemctl stop img2pose-monitor || fail stop
echo "stopped after \$(((\$(date +%s%N) - began) / 1000000)) ms: \$(systemctl show -P Result img2pose-monitor), \$(systemctl show -P ExecMainStatus img2pose-monitor)"
[ "\$(systemctl show -P Result img2pose-monitor)" = success ] || fail "it did not stop well"
systemd-analyze security --no-pager img2pose-monitor | tail -n 1
echo "trial passed"
TRIAL
cat >"$new/etc/systemd/system/trial.service" <<'UNIT'
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/bash /out/trial.sh
StandardOutput=append:/out/trial
StandardError=append:/out/trial
ExecStopPost=/bin/systemctl --force --force poweroff
UNIT
printf '[Unit]\nDefaultDependencies=no\nRequires=trial.service\nAfter=trial.service\n' >"$new/etc/systemd/system/trial.target"
mount --make-rshared "$new"
exec chroot "$new" env -i container=img2pose PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=trial.target --log-target=console --show-status=no
