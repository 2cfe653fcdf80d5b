#!/bin/sh
# containerd-shim-ebb-v2: what containerd runs. It calls the shim's program, which is beside it.
#
# containerd starts a program three times in the life of each container: to begin it, to serve it, and to clean up.
# The shim's own takes some 8 ms until it does anything, a shell takes 0.7. So a shell waits for the server's answer,
# and tells what a shim has left to tell of a container that is gone. Whatever is not usual is the program's.

self=$0
[ -L "$self" ] && self=$(readlink -f "$0")
program=${self%/*}/containerd-shim-ebb
if ! [ -x "$program" ]; then
  echo "${0##*/}: there is no program $program: install it beside this file" >&2
  exit 1
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
  # Of it the server has stdin, stdout and stderr, and on descriptor 4 it says what has come of it. Its command line has
  # room for that of another container where servers stand by.
  room=
  [ -d SOCKET_DIR/standby ] && room=ROOM
  [ -e /proc/self/fd/0 ] || exec </dev/null
  [ -e /proc/self/fd/1 ] || exec >/dev/null
  exec 3>&1 5<&0
  told=$(DAEMON_VARIABLE=$PPID SERVER_ENV "$program" "$@" ${room:+"$room"} 4>&1 >&3 3>&- <&5 5<&- &)
  case $told in
  READY) exit 0 ;;
  FAILED) exit 1 ;;
  esac
  echo "${0##*/}: the server ended before it served" >&2
  exit 1
  ;;
delete)
  # What the server has written down at the end of Delete is the answer, unless its socket is there yet.
  if [ -f "$bundle/deleted" ]; then
    answer= address=
    read -r answer <"$bundle/deleted"
    [ -f "$bundle/address" ] && read -r address <"$bundle/address"
    case $answer in
    '' | [!\\]* | *[!\\0-7]* | *\\[!0]*) ;;
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
