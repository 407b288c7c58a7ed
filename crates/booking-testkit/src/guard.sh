# Waits until the process at the other end of its standard input has ended, then cleans up after it.
#
#   guard KIND DIRECTORY
#
# KIND is `postgres` or `process`. DIRECTORY, if not empty, is removed. Each line read is what to stop
# from now on: a process id, a group as a negative number, or 0 for nothing.

kind=$1
directory=$2
target=0

while read -r line; do target=$line; done

# The ids of a process's children. `ps` is not installed everywhere, and /proc is not there on macOS.
children() {
    if [ -r /proc/self/stat ]; then
        for stat in /proc/[0-9]*/stat; do
            { read -r line <"$stat"; } 2>/dev/null || continue
            # After the name, which may hold anything, come the state and the parent.
            set -- "$1" ${line##*) }
            [ "$3" = "$1" ] && { stat=${stat#/proc/}; echo "${stat%/stat}"; }
        done
    else
        ps -A -o pid=,ppid= | while read -r pid parent; do
            [ "$parent" = "$1" ] && echo "$pid"
        done
    fi
}

# Whether the target is still our postmaster: the id may belong to another process by now.
is_our_postmaster() {
    [ "$target" -gt 1 ] 2>/dev/null || return 1
    if [ -r /proc/self/stat ]; then
        arguments=$(tr '\0' ' ' <"/proc/$target/cmdline")
    else
        arguments=$(ps -o args= -p "$target")
    fi
    case $arguments in *"$directory/data"*) return 0 ;; *) return 1 ;; esac
}

if [ "$kind" = postgres ]; then
    # Killed between starting the postmaster and reporting it to us.
    if [ "$target" = 0 ] && [ -r "$directory/data/postmaster.pid" ]; then
        read -r target <"$directory/data/postmaster.pid"
    fi
    if is_our_postmaster; then
        # They may have been stopped. An immediate shutdown, unlike a kill, gives back its System V
        # shared memory, which would otherwise stay until the machine is started again.
        kill -s CONT "$target" $(children "$target")
        kill -s QUIT "$target"
        waited=0
        while [ $waited -lt 100 ] && is_our_postmaster; do
            sleep 0.05
            waited=$((waited + 1))
        done
        if is_our_postmaster; then
            kill -s STOP "$target"
            kill -s KILL $(children "$target") "$target"
        fi
    fi
elif [ "$target" != 0 ]; then
    kill -s KILL -- "$target"
fi

# More than once, because a process on its way out may still write there.
if [ -n "$directory" ]; then
    waited=0
    while rm -rf "$directory" || true; [ -e "$directory" ] && [ $waited -lt 100 ]; do
        sleep 0.05
        waited=$((waited + 1))
    done
fi
