# SPDX-License-Identifier: MIT
# tmux and screen: sessions that nobody looks at, keys typed into them, windows, and what stands on the screen.
export TERM=xterm SHELL=/bin/sh SCREENDIR=$PWD/sd HOME=$PWD LC_ALL=C.UTF-8 PS1='$ '; mkdir -m 700 sd
until_has() { for i in $(seq 150); do eval "$2" | grep -q "$1" && break; sleep 0.1; done; }
t() { tmux -u -S $PWD/ts -f /dev/null "$@"; }
t new-session -d -x 60 -y 10 'exec sh'; t send-keys 'echo $((6 * 7)) answer; stty size' Enter; until_has '10 60' 't capture-pane -p'
t capture-pane -p | grep '^[0-9]'
t split-window -h 'exec cat'; t send-keys hello Enter; until_has hello 't capture-pane -p'; t capture-pane -p | sort -u | grep .
t list-panes -F '#{pane_index} #{pane_width}x#{pane_height}'; t resize-pane -x 20; t list-panes -F '#{pane_width}'
t new-window -n second 'exec sh'; t list-windows -F '#{window_index} #{window_name}' | tail -1
t kill-window -t second; t list-windows | wc -l; t kill-server; t list-sessions 2>&1 | sed "s,$PWD,HERE,"
screen -dmS one sh; until_has one 'screen -ls'; screen -S one -X stuff 'echo $((7 * 8)) screen^M'
until_has '^56 screen' 'screen -S one -X hardcopy $PWD/h; sleep 0.1; cat h'; grep '^[0-9]' h; screen -ls | grep -c Detached
screen -S one -X screen -t two cat; until_has two 'screen -S one -Q windows'; screen -S one -Q windows | tr -d '*-'; echo
screen -S one -X quit; until_has 'No Sockets' 'screen -ls'; screen -ls | grep -c Detached
