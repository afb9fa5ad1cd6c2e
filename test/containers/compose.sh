#!/usr/bin/env bash
# Prints the path of a Compose 2: of this machine if it has one, otherwise of Debian 13, whose package has it and
# runs on Debian 12 too. It is fetched once.
set -euo pipefail
cache=${XDG_CACHE_HOME:-$HOME/.cache}/usage-pipeline/compose-2
compose=$cache/usr/libexec/docker/cli-plugins/docker-compose

for installed in /usr/{libexec,lib,local/lib}/docker/cli-plugins/docker-compose ~/.docker/cli-plugins/docker-compose; do
  [ ! -x "$installed" ] || { echo "$installed"; exit; }
done
if [ ! -x "$compose" ]; then
  lists=$(mktemp -d)
  trap 'rm -rf "$lists"' EXIT
  mkdir -p "$lists/state/partial" "$lists/cache/archives/partial" "$lists/parts"
  # Debian's own address on this machine, of the next release.
  sed 's/bookworm/trixie/g; /^Suites:/s/:.*/: trixie/' /etc/apt/sources.list.d/debian.sources | sed '/^$/q' > "$lists/parts/debian.sources"
  apt=(apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$lists/parts" -o "Dir::State::lists=$lists/state"
    -o "Dir::Cache=$lists/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root)
  (cd "$lists" && "${apt[@]}" update && "${apt[@]}" download docker-compose) > /dev/null
  dpkg-deb --extract "$lists"/docker-compose_*.deb "$lists/package"
  mkdir -p "$(dirname "$cache")"
  rm -rf "$cache"
  mv "$lists/package" "$cache"
fi
echo "$compose"
