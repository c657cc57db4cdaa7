#!/bin/sh
# Some tests need Debian packages: a browser with fonts for Chinese, and dciodvfy, which judges DICOM files.
# Where this user may not install them, the tests that need them say at the end that they were not run.
missing=""
{ [ -x /usr/bin/chromium ] && fc-list :lang=zh 2>/dev/null | grep -q .; } || missing="chromium fonts-noto-cjk fontconfig"
[ -x /usr/bin/dciodvfy ] || missing="$missing dicom3tools"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing for the tests:" $missing
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >/dev/null 2>&1 \
    || echo "they could not be installed: the tests that need them will not be run" >&2
else
  echo "not here, and no right to install it:" $missing "- the tests that need it will not be run" >&2
fi
exit 0
