#!/bin/sh
# containerd-shim-ebb-v2: what containerd runs. It calls the shim's program, which is beside it.
#
# containerd starts a program three times in the life of each container: to begin it, to serve it, and to clean up.
# The shim's own takes some 8 ms until it does anything, a shell takes 0.7. So a shell waits for the server's answer,
# and tells what a shim has left to tell of a container that is gone. Whatever is not usual is the program's.

program=${0%/*}/containerd-shim-ebb
if ! [ -x "$program" ]; then
  # The name under which this was called may be a link to it.
  program=$(readlink -f "$0")
  program=${program%/*}/containerd-shim-ebb
  if ! [ -x "$program" ]; then
    echo "${0##*/}: there is no program $program: install it beside this file" >&2
    exit 1
  fi
fi
export EBB_CALLED_AS="$0"

bundle=
action=
for word; do
  [ "$action" = -bundle ] && bundle=$word
  action=$word
done

case $action in
start)
  # Of it the server has stdin, stdout and stderr, and on descriptor 4 it says when it has answered the daemon. It has
  # room for the command line of another container where servers stand by.
  room=
  [ -d SOCKET_DIR/standby ] && room=ROOM
  exec 3>&1 5<&0
  said=$(SERVER_ENV "$program" "$@" "$PPID$room" 4>&1 >&3 3>&- <&5 5<&- &)
  [ "$said" = READY ]
  exit
  ;;
delete)
  # What the server has written down at the end of Delete is the answer, unless its socket is there yet.
  if [ -f "$bundle/deleted" ]; then
    answer= address=
    read -r answer <"$bundle/deleted"
    [ -f "$bundle/address" ] && read -r address <"$bundle/address"
    case $answer in
    '' | *[!\\0-7]*) ;;
    *)
      if ! [ -e "${address#unix://}" ]; then
        printf '%b' "$answer"
        exit
      fi
      ;;
    esac
  fi
  ;;
esac
exec "$program" "$@"
