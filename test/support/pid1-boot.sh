#!/bin/bash
# Boots the systemd of a root folder as PID 1 of namespaces of its own: processes, mounts, network, host name, control
# groups. Arguments: the folder, and a name that no other machine has. Standard output: systemd's console.
set -euo pipefail
root=$1 name=$2

if [ "${3:-}" = "" ]; then
  # A control group of its own in every hierarchy, so that what is set inside holds, and can be taken away again.
  while IFS=: read -r _ controllers _; do
    case $controllers in
    "") folder=/sys/fs/cgroup/unified; [ -d $folder ] || folder=/sys/fs/cgroup ;;
    name=*) folder=/sys/fs/cgroup/${controllers#name=} ;;
    *) folder=/sys/fs/cgroup/$controllers ;;
    esac
    [ -d "$folder" ] || continue
    mkdir -p "$folder/$name"
    # A new group of this hierarchy may use nothing until it is told what.
    if [ "$controllers" = cpuset ]; then
      cat "$folder/cpuset.cpus" >"$folder/$name/cpuset.cpus"
      cat "$folder/cpuset.mems" >"$folder/$name/cpuset.mems"
    fi
    echo $$ >"$folder/$name/cgroup.procs"
  done </proc/self/cgroup
  exec unshare --mount --pid --ipc --uts --net --cgroup --fork --kill-child -- "$0" "$root" "$name" inside
fi

mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t tmpfs -o mode=755,nosuid tmpfs dev
for node in null zero full random urandom tty; do
  touch dev/$node
  mount --bind /dev/$node dev/$node
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  while IFS=: read -r _ controllers _; do
    case $controllers in
    "") mkdir -p sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 sys/fs/cgroup/unified ;;
    name=*) mkdir -p "sys/fs/cgroup/${controllers#name=}" && mount -t cgroup -o "none,$controllers" cgroup "sys/fs/cgroup/${controllers#name=}" ;;
    *) mkdir -p "sys/fs/cgroup/$controllers" && mount -t cgroup -o "$controllers" cgroup "sys/fs/cgroup/$controllers" ;;
    esac
  done </proc/self/cgroup
fi
hostname "$name"
mkdir -p .old
pivot_root . .old
cd /
umount -l /.old
rmdir /.old
mount --make-rshared /
exec env -i container=gradeline-test PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
  /lib/systemd/systemd --system --show-status=no </dev/null
