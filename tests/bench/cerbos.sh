#!/usr/bin/env bash
# Fetches Cerbos, which `bench rivals` measures beside our service, into target/tools, once. Nothing of it is committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

VERSION=0.55.0
SHA256=1bb7264706e49f868551b355ef0a8e3b57947cccfe0551fb3dfae503f458ff7b
FOLDER=target/tools/cerbos-$VERSION

if [ -x "$FOLDER/cerbos" ]; then
    exit
fi
mkdir -p "$FOLDER"
cd "$FOLDER"
npm pack --silent "@cerbos/cerbos-linux-x64@$VERSION" >/dev/null
tar -xzf ./*.tgz package/cerbos-linux-x64
sha256sum --check --quiet <<<"$SHA256  package/cerbos-linux-x64"
mv package/cerbos-linux-x64 cerbos
rm -rf package ./*.tgz
