#!/usr/bin/env bash
# Installs release/*.tgz (`npm run package`) where there is nothing but Node: a root folder of its own
# with node, npm, sh, env and chmod, without compiler, git, ffmpeg and this repository; then uses emu there.
# Takes two minutes and fetches the npm packages. Wants root, or a system that gives user namespaces.
#   scripts/try-package.sh [FOLDER]    the pictures that were drawn are put there
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ "$(id -u)" = 0 ] || exec unshare --map-root-user --mount "$0" "$@"
out=$(realpath "${1:-.}")
compgen -G 'release/emu-multimodal-*.tgz' >/dev/null || { echo 'run `npm run package` first' >&2; exit 1; }

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir -p "$place"/{bin,usr/bin,etc,tmp,dev,home,packages}
put() { # a program and the libraries it loads
  cp --dereference "$(command -v "$1")" "$place/usr/bin/"
  ldd "$(command -v "$1")" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$place$(dirname "$library")"
    cp --dereference --no-clobber "$library" "$place$library"
  done
}
# npm leaves out the packaged ffmpeg where it cannot make it executable.
for program in node sh env chmod; do put "$program"; done
cp "$place/usr/bin/sh" "$place/bin/sh"
cp -r "$(npm root --global)/npm" "$place/npm"
# A name is looked up by libraries that nobody links to.
cp /etc/resolv.conf /etc/hosts /etc/nsswitch.conf "$place/etc/" 2>/dev/null || true
for library in /lib/*/libnss_{dns,files}.so.2 /lib/*/libresolv.so.2; do
  [ ! -e "$library" ] || cp --dereference "$library" "$place$library"
done
cp "${NODE_EXTRA_CA_CERTS:-/dev/null}" "$place/etc/certificates.pem" # a proxy's, where there is one
mknod -m 666 "$place/dev/null" c 1 3
cp release/*.tgz "$place/packages/"
cp fixtures/city-cc0.mp4 "$place/home/"

inside() {
  env --ignore-environment PATH=/opt/bin:/usr/bin HOME=/home EMU_THREADS="${EMU_THREADS:-}" \
    NODE_EXTRA_CA_CERTS=/etc/certificates.pem npm_config_registry="$(npm config get registry)" \
    npm_config_fetch_retries=1 npm_config_fetch_timeout=300000 npm_config_update_notifier=false \
    "$(command -v chroot)" "$place" "$@"
}
say() {
  printf '\n$ %s\n' "$*"
  inside "$@"
}

for absent in cc c++ g++ clang++ git make python3 ffmpeg; do
  ! inside sh -c "command -v $absent" || { echo "$absent is there" >&2; exit 1; }
done
echo '$ npm install -g emu-multimodal-*.tgz'
inside sh -c 'node /npm/bin/npm-cli.js install --global --prefix /opt --no-audit --no-fund /packages/*.tgz'

tiger=/opt/lib/node_modules/emu-multimodal/fixtures/streamline-tiger.png
say emu --version
say emu doctor
say emu caption "$tiger"
say emu vqa "$tiger" 'what is it?'
say emu video-qa /home/city-cc0.mp4 'what is it?' # by the ffmpeg that npm brought
say emu t2i 'a tomato' --output /tmp/tomato.png
if inside emu help chat >/dev/null 2>&1; then
  say emu chat --model emu-mini -p 'what is it?' --image "$tiger"
fi
cat >"$place/home/library.mjs" <<'END'
import {Emu, readImage} from 'emu-multimodal';
const emu = await Emu.load('emu-mini');
const picture = await readImage(process.argv[2]);
for await (const event of emu.generateText([{type: 'image', picture}], {task: 'caption'}))
  if (event.type === 'done') console.log(`${event.result.text} (${emu.backend.name})`);
emu.close();
END
inside sh -c 'node -e "require(\"fs\").symlinkSync(\"/opt/lib/node_modules\", \"/home/node_modules\")"'
say node /home/library.mjs "$tiger"

echo; echo '# the same without the package of the native addon'
inside node -e 'require("fs").rmSync("/opt/lib/node_modules/@emu-multimodal", {recursive: true})'
say emu caption "$tiger"
cp "$place/tmp/tomato.png" "$out/tomato.png"
echo; echo "drawn: $out/tomato.png"
