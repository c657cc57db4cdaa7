#!/bin/sh
# Browser tests need Debian's chromium and fonts for Chinese; where this user may not install them, the tests say so.
if [ -x /usr/bin/chromium ] && fc-list :lang=zh 2>/dev/null | grep -q .; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing chromium and fonts-noto-cjk for the browser tests"
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium fonts-noto-cjk fontconfig; } >/dev/null 2>&1 \
    || echo "chromium could not be installed: the browser tests will not be run" >&2
else
  echo "no chromium with Chinese fonts here, and no right to install it: the browser tests will not be run" >&2
fi
exit 0
