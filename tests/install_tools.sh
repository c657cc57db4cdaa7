#!/bin/sh
# Tools of other people that tests use, from Debian: chromium with fonts for Chinese, and dicom3tools (dciodvfy).
# Where this user may not install them, the tests that need them say so.
wanted=""
[ -x /usr/bin/chromium ] && fc-list :lang=zh 2>/dev/null | grep -q . || wanted="chromium fonts-noto-cjk fontconfig"
command -v dciodvfy >/dev/null || wanted="$wanted dicom3tools"
[ -n "$wanted" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "no right to install here:$(printf ' %s' $wanted); the tests that need them will not be run" >&2
  exit 0
fi
echo "installing for the tests:$(printf ' %s' $wanted)"
apt-get update -q >/dev/null 2>&1
for package in $wanted; do  # one by one: what one lacks must not cost the others
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$package" >/dev/null 2>&1 \
    || echo "$package could not be installed: the tests that need it will not be run" >&2
done
exit 0
