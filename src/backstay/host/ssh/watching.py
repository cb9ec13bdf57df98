"""The script that watches over our programs on a host: one for each connection.

It reads lines: `beat N` is answered with N; `add PID STOP GRACE` has it watch over a process group; `pace PID RATE
REREADS` holds that program to so many bytes a second (RATE 0: no limit; REREADS 1: less what it rereads of its own
writing); `stop PID` stops the group in its own way, then hard; `gone PID` takes what is left of it; `fed PID` ends the
feeder PID. When nothing comes for a while, or the end, it stops all that it watches over, then the sshd that served us,
then itself.
"""

from __future__ import annotations

from .scripts import LONGEST_GRACE_S, SILENCE_S

TICK_S = 0.05

# Ticks and our lines arrive through one pipe, because a POSIX `read` cannot wait for a limited time. Fine ticks come
# only while somebody is paced: each costs the start of a `sleep`. Times are hundredths of a second since boot.
#
# A pacing step: what the program has read since the last step is taken from its credit, which grows with time; without
# credit it is held. The credit is capped at half a second; what is over is there for others that reread their own
# writing, as engines do, so that a disk is used while one of them does not read. The debt is capped at 15 s: what was
# read too much is waited for. A program much faster than its rate would read that many times over in one tick, and then
# be held for long: so it gets slices, shorter than a tick, in which it is looked at many times in a row, and longer
# ones when those were too short for its credit. Who reads less than a tick's worth in four of them, one after another,
# is no such program, or has something else to do: it is let run through its ticks again. Of one that rereads its own
# writing only the source counts, by the same three signs as for programs on this machine, and it is held only when
# something came to it: while it waits for a slow disk it may have something to send. One that reads nothing is let go
# again at each tick: a process that was born between two signals has only got the first.
#
# A process number is only trusted together with the moment at which its process began. One that has ended before we
# heard of it may have left others in its group, and while they are there its number is given to nobody else.
WATCH = (
    r"""
now() { read -r up _ </proc/uptime; now=$(( ${up%.*} * 100 + 1${up#*.} - 100 )); }
born() { line=; { read -r line </proc/$1/stat; } 2>/dev/null || return 1; set -- ${line##*) }; born=${20}; }
ours() { if born $1; then [ $born = $(( born_$1 )) ]; else return 0; fi; }
signal() { ours $2 && kill -s $1 -- -$2 2>/dev/null; }
halt() { eval "signal \$stop_$1 $1"; signal CONT $1; eval "rate_$1=0 due_$1=$(( now + grace_$1 ))"; }
forget() { rest=; for each in $watched; do [ $each = $1 ] || rest="$rest $each"; done; watched=$rest; }
read_by() {
  if [ $2 = 0 ]; then
    { read -r _ bytes </proc/$1/io; } 2>/dev/null || return 1
    had=$bytes
    return 0
  fi
  {
    { read -r _ bytes; read -r _ written; read -r _; read -r _; read -r _ disks; } </proc/$1/io
  } 2>/dev/null || return 1
  had=$(( bytes - written ))
  [ $had -ge $(( bytes / 3 )) ] || had=$(( bytes / 3 ))
  bytes=$had
  [ $bytes -ge $disks ] || bytes=$disks
}
charge() {
  read_by $1 $(( rereads_$1 )) || return 1
  credit=$(( credit_$1 )) idle=1
  [ $had -le $(( had_$1 )) ] || eval "had_$1=$had idle="
  [ $bytes -gt $(( seen_$1 )) ] || return 0
  credit=$(( credit - bytes + seen_$1 ))
  eval "credit_$1=$credit seen_$1=$bytes"
}
hold() { signal STOP $1; eval "held_$1=1"; }
let_go() { signal CONT $1; eval "held_$1=0"; }
pace() {
  [ $(( rate_$1 )) -gt 0 ] || return 0
  credit=$(( credit_$1 + rate_$1 * (now - at_$1) / 100 ))
  over=$(( credit - rate_$1 / 2 ))
  [ $over -le 0 ] || { credit=$(( rate_$1 / 2 )) spare=$(( spare + over * rereads_$1 )); }
  [ $spare -le $(( whole / 8 )) ] || spare=$(( whole / 8 ))
  [ $credit -ge $(( -15 * rate_$1 )) ] || credit=$(( -15 * rate_$1 ))
  eval "credit_$1=$credit at_$1=$now"
  charge $1 || return 0
  if [ $credit -le 0 ] && [ $(( spare * rereads_$1 )) -gt 0 ]; then
    lent=$(( rate_$1 / 20 - credit ))
    [ $lent -le $spare ] || lent=$spare
    credit=$(( credit + lent )) spare=$(( spare - lent ))
    eval "credit_$1=$credit"
  fi
  if [ $(( held_$1 )) = 0 ]; then
    if [ $credit -gt 0 ] || [ -n "$idle" -a $(( rereads_$1 )) = 1 ]; then
      [ -z "$idle" ] || let_go $1
      return 0
    fi
    [ $credit -lt $(( -rate_$1 / 5 )) ] && eval "fast_$1=1"
    hold $1
    return 0
  fi
  [ $credit -gt 0 ] || return 0
  let_go $1
  [ $(( fast_$1 )) = 1 ] && slice $1
  return 0
}
slice() {
  came=1 before=$credit rounds=1
  [ $(( rereads_$1 )) = 0 ] || came=
  [ $(( weak_$1 )) = 0 ] || rounds='1 2 3 4'
  for round in $rounds; do
    for look in $looks; do
      charge $1 || return 0
      [ -n "$idle" ] || came=1
      [ $credit -gt 0 ] || [ -z "$came" ] || { hold $1; return 0; }
    done
  done
  [ $credit -gt 0 ] || return 0
  if [ $(( before - credit )) -ge $(( rate_$1 / 20 )) ]; then hold $1; eval "weak_$1=1"
  elif [ $credit -lt $(( rate_$1 * 2 / 5 )) ]; then hold $1
  elif [ $(( weak_$1 )) -lt 3 ]; then hold $1; eval "weak_$1=$(( weak_$1 + 1 ))"
  else eval "fast_$1=0 weak_$1=0"
  fi
}
set_rate() {
  if [ $2 -gt 0 ] && [ -z "$fine" ]; then ( while sleep TICK; do echo || exit; done ) >&4 & fine=$!; fi
  if [ $2 -gt 0 ] && [ $(( rate_$1 )) = 0 ]; then
    read_by $1 $3
    eval "credit_$1=0 at_$1=$now seen_$1=$bytes had_$1=$had"
    hold $1
  fi
  eval "rate_$1=$2 rereads_$1=$3"
  if [ $2 = 0 ] && [ $(( held_$1 )) = 1 ]; then let_go $1; fi
}
end() {
  grace=0
  for pid in $watched; do
    halt $pid
    [ $(( grace_$pid )) -le $grace ] || grace=$(( grace_$pid ))
  done
  [ $grace -le LONGEST ] || grace=LONGEST
  until=$(( now + grace ))
  while [ $now -lt $until ]; do
    left=; for pid in $watched; do ours $pid && kill -s 0 -- -$pid 2>/dev/null && left=1; done
    [ -n "$left" ] || break
    sleep 0.1; now
  done
  for pid in $watched; do signal KILL $pid; done
  if born $PPID && [ "$born" = "$door_born" ]; then
    read -r name </proc/$PPID/comm
    case $name in sshd*) kill -s TERM $PPID ;; esac
  fi
  kill -s KILL 0
}
trap '' PIPE HUP
born $PPID; door_born=$born
{ ( while sleep 1; do echo || exit; done ) & cat; echo end; } | {
  exec 4>/proc/self/fd/0
  watched= fine= spare=0 looks=$(seq 48); now; heard=$now
  while read -r verb pid a b; do
    now
    case $verb in
    beat) heard=$now; echo $pid ;;
    add)
      born $pid || { born=-1; kill -s 0 -- -$pid 2>/dev/null; } &&
        eval "born_$pid=$born stop_$pid=$a grace_$pid=$b rate_$pid=0 held_$pid=0 due_$pid=0 fast_$pid=1 weak_$pid=0" &&
        watched="$watched $pid" ;;
    pace) case " $watched " in *" $pid "*) set_rate $pid $a $b ;; esac ;;
    stop) case " $watched " in *" $pid "*) halt $pid ;; esac ;;
    gone) case " $watched " in *" $pid "*) signal KILL $pid; forget $pid ;; esac ;;
    fed) kill -s KILL $pid 2>/dev/null ;;
    end) end ;;
    *)
      [ $(( now - heard )) -lt SILENCE ] || end
      whole=0
      for pid in $watched; do
        [ $(( due_$pid )) = 0 ] || [ $now -lt $(( due_$pid )) ] || signal KILL $pid
        whole=$(( whole + rate_$pid ))
      done
      for pid in $watched; do pace $pid; done
      if [ $whole = 0 ] && [ -n "$fine" ]; then kill -s KILL $fine; fine=; fi ;;
    esac
  done
}
""".replace("TICK", str(TICK_S))
    .replace("SILENCE", f"{SILENCE_S * 100:.0f}")
    .replace("LONGEST", f"{LONGEST_GRACE_S * 100:.0f}")
)
