# SPDX-License-Identifier: BSD-2-Clause
# needs meson ninja gcc sha256sum
# A part of this project is built by gcc, all of it if WHOLE is set: the same
# bytes.
export CC=gcc
meson setup -Dtests=false . "$SOURCES" >log 2>&1 || cat log
if [ -n "${WHOLE-}" ]; then
	set -- src/librump.so src/image/librumpimage.so \
	    src/hijack/rump-loader src/cmd/rump/rump
else
	set -- src/hijack/rump-loader src/proxy/client/librumpclient.so
fi
ninja "$@" >log 2>&1 || cat log
sha256sum "$@"
find . -name '*.o' -exec sha256sum {} + | sort -k 2
