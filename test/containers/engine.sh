# Sourced: a Docker engine for one script, which leaves nothing behind.
#
#   start_engine DIRECTORY     its data and socket are there; fails with engine_problem where none can be started
#   stop_engine                ends it, and takes away its bridge, mounts, firewall rules and routes
#
# Root on Debian is needed, and a kernel that lets root mount file systems, make bridges and filter packets.

engine_bridge=usage-proof
engine_network=172.31.240.1/20
engine_pid=
engine_forwarding=
engine_rules=
# Tables that were not there are empty again.
engine_no_rules=$'*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n*nat\nCOMMIT'
engine_problem=

no_engine() {
  engine_problem=$1
  return 1
}

install_engine() {
  local missing=() package
  for package in docker.io:dockerd iptables:iptables debootstrap:debootstrap iproute2:ip; do
    [ -x "$(command -v "${package#*:}")" ] || missing+=("${package%:*}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  # Without its service: the script starts the engine, and ends it.
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
    > /dev/null 2>&1 || no_engine "Debian's ${missing[*]} could not be installed"
}

start_engine() {
  local directory=$1
  [ "$(id -u)" = 0 ] || no_engine "only root can start one" || return
  install_engine || return
  unshare --mount true 2> /dev/null || no_engine "this machine lets root mount nothing" || return
  engine_rules=$(iptables-save 2> /dev/null) || no_engine "this machine lets root filter no packets" || return
  ip link add "$engine_bridge" type bridge 2> /dev/null ||
    no_engine "this machine makes no bridge $engine_bridge, or has it already" || return
  engine_forwarding=$(cat /proc/sys/net/ipv4/ip_forward)
  ip address add "$engine_network" dev "$engine_bridge"
  ip link set "$engine_bridge" up
  # Its mounts are seen by its own processes alone, and end with them.
  unshare --mount --propagation private dockerd --host "unix://$directory/docker.sock" --bridge "$engine_bridge" \
    --data-root "$directory/data" --exec-root "$directory/exec" --pidfile "$directory/docker.pid" \
    > "$directory/dockerd.log" 2>&1 &
  engine_pid=$!
  export DOCKER_HOST=unix://$directory/docker.sock
  until docker version > /dev/null 2>&1; do
    kill -0 "$engine_pid" 2> /dev/null || no_engine "$(tail -1 "$directory/dockerd.log")" || return
    sleep 0.2
  done
}

# Ends it, and undoes what it and start_engine have changed.
stop_engine() {
  if [ -n "$engine_pid" ]; then
    kill "$engine_pid" 2> /dev/null || true
    wait "$engine_pid" 2> /dev/null || true
    engine_pid=
  fi
  if [ -n "$engine_forwarding" ]; then
    ip link delete "$engine_bridge"
    iptables-restore <<< "$engine_no_rules"$'\n'"$engine_rules"
    echo "$engine_forwarding" > /proc/sys/net/ipv4/ip_forward
    engine_forwarding=
  fi
}
