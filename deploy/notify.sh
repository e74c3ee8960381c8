#!/bin/sh
# notify.sh CONFIG: reports that sfr@CONFIG.service failed for good. Run by sfr-notify@CONFIG.service; systemd sets the
# MONITOR_* variables. Writes to stderr, that is to the journal, and then runs /etc/sfr/on-failure, if it exists:
#   on-failure CONFIG RESULT STATUS    with the message and the run's last log lines on stdin
# RESULT is systemd's result (exit-code, timeout, oom-kill, start-limit-hit …), STATUS the exit code or signal.
set -eu

config=${1:?usage: notify.sh CONFIG}
result=${MONITOR_SERVICE_RESULT:-unknown}
status=${MONITOR_EXIT_STATUS:-unknown}
on_failure=${SFR_ON_FAILURE:-/etc/sfr/on-failure}

case "$result:$status" in
    timeout:*) meaning="it ran into TimeoutStartSec=; set fetch.deadline_s below it, or raise it" ;;
    start-limit-hit:*) meaning="it was started as often as StartLimitBurst= allows; the journal says how the last attempt ended" ;;
    oom-kill:*) meaning="the kernel ended it for want of memory; give it more, or set workers.count lower" ;;
    exit-code:1) meaning="a bug in SFR: the journal has the traceback" ;;
    exit-code:2) meaning="the configuration or the report list is wrong; nothing was fetched" ;;
    exit-code:3) meaning="the log-in was refused, or the session was lost; it is not tried again" ;;
    exit-code:4) meaning="some reports failed; the summary names them" ;;
    exit-code:5) meaning="no report could be saved: org unreachable, or disk" ;;
    exit-code:6) meaning="another run with the same output directory is active" ;;
    exit-code:130 | exit-code:143) meaning="it was stopped by a signal; finished reports are kept" ;;
    exit-code:200) meaning="its working directory cannot be entered" ;;
    exit-code:203) meaning="the program is not there; run deploy/install.sh again" ;;
    exit-code:217) meaning="the user sfr does not exist; run deploy/install.sh again" ;;
    exit-code:226) meaning="its sandbox cannot be made: a directory of ReadWritePaths= does not exist, or a drop-in is wrong" ;;
    exit-code:238) meaning="/var/lib/sfr/$config cannot be made" ;;
    exit-code:243) meaning="the credentials cannot be read; make the directory /etc/sfr/credentials/$config" ;;
    *) meaning="see the journal" ;;
esac
message="sfr@$config on $(uname -n) failed ($result, $status): $meaning."

# The prefix sets priority "err" in the journal.
echo "<3>$message Look at it with: journalctl -u sfr@$config" >&2

if [ -x "$on_failure" ]; then
    {
        echo "$message"
        echo
        if [ -n "${MONITOR_INVOCATION_ID:-}" ]; then
            journalctl --quiet --no-pager --output=cat --lines=40 "_SYSTEMD_INVOCATION_ID=$MONITOR_INVOCATION_ID" || true
        fi
    } | "$on_failure" "$config" "$result" "$status"
fi
