#!/bin/sh
# Makes the root with the proxy's packages, whose services do not start, from the bare one.
#
# usage: install.sh BARE ROOT PACKAGES SERVICES
#
# The files of /usr are the same ones: dpkg replaces files and does not write into them. Logs and
# configuration are written to, so they are copies.
set -eu
bare=$1 root=$2 packages=$3 services=$4

cp --archive --link "$bare" "$root"
rm -r "$root/etc" "$root/var"
cp --archive "$bare/etc" "$bare/var" "$root"

printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
chroot "$root" apt-get --quiet=2 update
# shellcheck disable=SC2086 # a list
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get --yes --quiet=2 install $packages
# A package's service that is enabled would start before cloud-init has written its drop-in.
# shellcheck disable=SC2086 # a list
chroot "$root" systemctl --quiet disable $services
rm "$root/usr/sbin/policy-rc.d"
rm -rf "$root/var/lib/apt/lists/"*
touch "$root/etc/.updated" "$root/var/.updated"
