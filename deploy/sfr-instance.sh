#!/bin/bash
# Runs SFR manually like sfr@CONFIG.service: same user, directory and credentials. Needs root.
#
#   sfr-instance CONFIG [doctor] [SFR OPTIONS...]
#   sfr-instance prod --check         does the configuration work?
#   sfr-instance prod --resume        fetch what the nightly run did not get
#   sfr-instance prod --history
#   sfr-instance prod doctor          what would fail tonight, and what to do
#
# Relative paths are relative to /var/lib/sfr/CONFIG. Ends with SFR's exit code. Only one of the unit's drop-ins is
# supported: encrypted credentials in /etc/sfr/credentials.encrypted/CONFIG.
set -euo pipefail

if [[ $# -eq 0 || $1 == --help || $1 == -h ]]; then
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit 0
fi
complain() { echo "sfr-instance: $*" >&2; exit 2; }

config=$1
shift
command=()
if [[ ${1:-} == doctor ]]; then command=(doctor); shift; fi
[[ $config =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] || complain "'$config' is no configuration name: letters, digits, . _ -"
[[ $(id -u) -eq 0 ]] || complain "only root can read the credentials; run it with sudo"
[[ -e /etc/sfr/$config.yaml ]] || complain "there is no /etc/sfr/$config.yaml; make one with: deploy/install.sh $config"

properties=(
    User=sfr Group=sfr UMask=0027
    "StateDirectory=sfr/$config" StateDirectoryMode=0750 "WorkingDirectory=/var/lib/sfr/$config"
    "LoadCredential=sfdc:/etc/sfr/credentials/$config"
    NoNewPrivileges=yes CapabilityBoundingSet= ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes
    KillMode=mixed TimeoutStopSec=90 OOMPolicy=continue
)
if [[ -d /etc/sfr/credentials.encrypted/$config ]]; then
    properties+=("LoadCredentialEncrypted=sfdc:/etc/sfr/credentials.encrypted/$config")
fi
# A terminal is passed on, so that tables and progress look as usual; pipes stay pipes.
how=--pipe
if [[ -t 0 && -t 1 && -t 2 ]]; then how=--pty; fi

exec systemd-run --quiet --collect --wait "$how" --service-type=exec --unit="sfr-instance-$config-$$" \
    "${properties[@]/#/--property=}" \
    --setenv="HOME=/var/lib/sfr/$config" --setenv=LANG=C.UTF-8 --setenv=PYTHONDONTWRITEBYTECODE=1 \
    --setenv="RES_OPTIONS=timeout:2 attempts:2" \
    /opt/sfr/venv/bin/python -P /opt/sfr/sfr.py "${command[@]}" --config "/etc/sfr/$config.yaml" "$@"
