#!/bin/sh
# Makes the bare root of what mmdebstrap installed; mmdebstrap calls it as a hook.
#
# usage: prepare.sh ROOT FILES PROXY_PACKAGES OWN_PACKAGES
#
# The packages of the proxy are downloaded. Those that DigitalOcean's image has not, with services of
# their own, are left in a repository of the root's, so that cloud-init installs them at boot; the
# others are installed.
set -eu
root=$1 files=$2 proxy_packages=$3 own_packages=$4
archives=$root/var/cache/apt/archives
repository=$root/var/lib/lab/packages

# What is installed already.
rm -f "$archives"/*.deb
# shellcheck disable=SC2086 # a list
APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get --yes --quiet=2 --download-only install $proxy_packages
mkdir -p "$repository"
for package in $own_packages; do
    mv "$archives/$package"_*.deb "$repository"
done
chroot "$root" sh -c 'DEBIAN_FRONTEND=noninteractive dpkg --install /var/cache/apt/archives/*.deb'
rm -f "$archives"/*.deb
for package in "$repository"/*.deb; do
    dpkg-deb --field "$package"
    echo "Filename: ./${package##*/}"
    echo "Size: $(stat --format=%s "$package")"
    echo "SHA256: $(sha256sum "$package" | cut -d ' ' -f 1)"
    echo
done > "$repository/Packages"

cp --recursive --no-dereference "$files/." "$root"
rm -f "$root/etc/apt/sources.list.d/"* "$root/etc/apt/apt.conf.d/99mmdebstrap"
# Each droplet gets its own.
rm -f "$root/etc/ssh/ssh_host_"* "$root/etc/resolv.conf" "$root/etc/hostname"
: > "$root/etc/machine-id"

mask() { for unit; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done; }
# There is no terminal, and nobody logs in at one.
mask console-getty.service getty@.service getty.target systemd-logind.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service
# There is no disk of its own to check, trim or resize, and no kernel to collect crashes of.
mask e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-pstore.service
# There is no hardware: no devices come and go, and the lab has the clock.
mask cloud-init-hotplugd.socket systemd-udevd.service systemd-udev-trigger.service \
    systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-timesyncd.service
# They would write the kernel's settings, which are this machine's, and load its modules.
mask systemd-modules-load.service systemd-binfmt.service
# It holds up a shutdown until an upgrade is done, and starts a Python for it; the timer's own
# service upgrades without it.
mask unattended-upgrades.service
# Nothing was updated since: no cache of libraries, messages or users has to be made at boot.
touch "$root/etc/.updated" "$root/var/.updated"
# Nobody looks at a backup of a list of packages that is gone in an hour.
mask dpkg-db-backup.timer
