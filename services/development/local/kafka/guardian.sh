#!/bin/sh
# Runs a command that must not outlive the process which started it: `sh guardian.sh java …`.
#
# stdin is the lifeline: nothing is ever written to it, and the kernel closes it when the parent
# ends, however it ends. A shell, because it costs 1 MB instead of Node's 45, and because it
# outlives whoever kills all Node processes at once.
#   stdout: one line, the command's process id
#   fd 3:   where the command's own output goes
#   exit:   the command's exit code, 128 + the number of the signal that ended it
exec 4<&0
"$@" </dev/null >&3 2>&3 3>&- 4<&- &
child=$!
# The watcher is a process of its own, so the lifeline holds even if this shell is killed.
( read -r _ <&4; kill -9 "$child" ) >/dev/null 2>&1 3>&- &
watcher=$!
echo "$child"
exec 3>&- >&-
wait "$child"
status=$?
kill -9 "$watcher" 2>/dev/null
exit "$status"
