#!/bin/sh
# Drives the real Salesforce CLI against the emulator. Needs: EMULATOR (ready line), NODE and SF (paths), a HOME of its own, the SF_ variables that emulator_clients.py sets.
set -eu

field() { "$NODE" -p "JSON.parse(process.env.EMULATOR)['$1']"; }
sf() { "$NODE" "$SF" "$@"; }
expect() { case "$2" in *"$1"*) ;; *) echo "expected $1 in: $2" >&2; exit 1 ;; esac; }

URL=$(field url)
USERNAME=$(field username)

SF_ACCESS_TOKEN=$(field sid)
export SF_ACCESS_TOKEN
said=$(sf org login access-token --instance-url "$URL" --alias by-token --no-prompt --json)
expect "\"username\": \"$USERNAME\"" "$said"
said=$(sf data query --target-org by-token --query "SELECT Id, Name FROM Account LIMIT 3" --json)
expect '"totalSize": 3' "$said"
said=$(sf data query --target-org by-token --query "SELECT Id FROM Account" --json)
expect '"totalSize": 3200' "$said"
sf data export bulk --target-org by-token --query "SELECT Id, Name FROM Account" \
    --output-file "$HOME/accounts.csv" --wait 5 --result-format csv > /dev/null
lines=$(wc -l < "$HOME/accounts.csv")
[ "$lines" -eq 3201 ] || { echo "expected 3201 lines, got $lines" >&2; exit 1; }
unset SF_ACCESS_TOKEN

said=$(sf org login jwt --username "$USERNAME" --jwt-key-file "$(field private_key_file)" \
    --client-id "$(field client_id)" --instance-url "$URL" --alias by-jwt --json)
expect "\"username\": \"$USERNAME\"" "$said"
said=$(sf org display --target-org by-jwt --json)
expect "\"instanceUrl\": \"$URL\"" "$said"
if said=$(sf org login jwt --username "$USERNAME" --jwt-key-file "$(field private_key_file)" \
    --client-id wrong --instance-url "$URL" --json 2>&1); then
    echo "a wrong client id was accepted" >&2
    exit 1
fi
echo "the Salesforce CLI agrees"
