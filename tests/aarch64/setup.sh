#!/bin/sh
# Makes what a build for AArch64 on another processor needs, out of Debian's packages but without
# installing any of the other processor's: a root with its libraries, and a cross file for meson.
#
# usage: setup.sh FOLDER: makes FOLDER/root and FOLDER/cross.ini
set -eu

folder=$(realpath "$1")
root=$folder/root
lists=$folder/apt

get() { # COMMAND...: apt-get as on the other processor, with lists of its own
  apt-get -o Dir::Cache="$lists" -o Dir::State="$lists" -o Dir::State::status="$lists/status" \
    -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root "$@"
}

needed_by() {
  apt-cache depends "$1" | sed -n 's/^ *Depends: //p'
}

mkdir -p "$lists/lists/partial" "$lists/archives/partial" "$root/usr/include"
touch "$lists/status"
get update
cd "$lists"
# shellcheck disable=SC2046 # the names are words of their own
get download libfmt-dev $(needed_by libfmt-dev) $(needed_by libboost-context-dev)
for package in *.deb; do dpkg -x "$package" "$root"; done

# The headers are the same for all processors; what else /usr/include has is not.
ln -sfn /usr/include/boost "$root/usr/include/boost"
ln -sfn /usr/include/doctest "$root/usr/include/doctest"
ln -sfn /usr/aarch64-linux-gnu/lib "$root/lib"

ccache=
! command -v ccache >/dev/null || ccache="'ccache', "
cat >"$folder/cross.ini" <<END
[binaries]
c = [$ccache'aarch64-linux-gnu-gcc']
cpp = [$ccache'aarch64-linux-gnu-g++']
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '$root']

[properties]
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/aarch64-linux-gnu/pkgconfig'
boost_includedir = '$root/usr/include'
boost_librarydir = '$root/usr/lib/aarch64-linux-gnu'

[built-in options]
cpp_args = ['-isystem', '$root/usr/include']

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
END
