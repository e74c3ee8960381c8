#!/bin/bash
# Installs SFR as a nightly systemd service on Debian 12 or newer and its derivatives. Run it as root; it is idempotent.
# Run it again with a newer checkout to upgrade. It never changes a configuration, a credential or a report.
#
#   deploy/install.sh [OPTIONS] [CONFIG...]     install or upgrade; for each CONFIG (such as prod) without an
#                                               /etc/sfr/CONFIG.yaml copy what `sfr init` made in this checkout (conf/CONFIG.yaml,
#                                               list, key, token, .env.CONFIG), or else put an example there
#   deploy/install.sh --uninstall [--purge]     remove program, units and timers; --purge also the user,
#                                               configurations, credentials and everything downloaded
# Options:
#   --dry-run          print what would be done; do nothing
#   --root DIR         install under DIR instead of /, for images and tests: needs no root, makes no user, starts nothing
#   --extras LIST      also install these extras, for example parquet,zstd; default: those of the last installation
#   --wheels DIR       take packages from this directory only, for machines without internet access
#   --no-packages      make the virtual environment, but install nothing into it
#   --python PROGRAM   Python 3.11 or newer for the virtual environment; default python3
#
# It makes: /opt/sfr (program, virtual environment), /usr/local/sbin/sfr-instance, sfr@.service, sfr@.timer and
# sfr-notify@.service in /etc/systemd/system, the user sfr, /etc/sfr, /var/lib/sfr. No timer is enabled.
# Ends with 0, with 1 if something failed, or with 2 for invalid arguments.
set -euo pipefail
umask 022
unset CDPATH

source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
root='' dry_run='' uninstall='' purge='' extras='' wheels='' packages=yes python=python3
environment_is_new='' extra_packages=() copied=
configs=()

say() { echo "install: $*"; }
fail() { echo "install: $*" >&2; exit 1; }
misuse() { echo "install: $*; see deploy/install.sh --help" >&2; exit 2; }

run() {
    if [[ -n $dry_run ]]; then
        printf 'would run:'
        printf ' %q' "$@"
        printf '\n'
    else
        "$@"
    fi
}

read_arguments() {
    while [[ $# -gt 0 ]]; do
        case $1 in
            -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; exit 0 ;;
            --dry-run) dry_run=yes ;;
            --uninstall) uninstall=yes ;;
            --purge) purge=yes ;;
            --no-packages) packages= ;;
            --root | --extras | --wheels | --python)
                [[ -n ${2:-} ]] || misuse "$1 needs a value"
                case $1 in
                    --root) root=$2 ;;
                    --extras) extras=$2 ;;
                    --wheels) wheels=$2 ;;
                    --python) python=$2 ;;
                esac
                shift
                ;;
            -*) misuse "unknown option $1" ;;
            *)
                [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9._-]*$ ]] || misuse "'$1' is no configuration name: letters, digits, . _ -"
                [[ $1 != *.yaml ]] || misuse "'$1': give the name without .yaml"
                configs+=("$1")
                ;;
        esac
        shift
    done
    [[ -z $purge || -n $uninstall ]] || misuse "--purge goes with --uninstall"
    [[ -z $uninstall || ${#configs[@]} -eq 0 ]] || misuse "--uninstall takes no configuration names"
    [[ -z $extras || $extras =~ ^[a-z0-9,]+$ ]] || misuse "--extras takes names separated by commas"
    if [[ -n $root ]]; then
        [[ -d $root ]] || misuse "--root: there is no directory $root"
        root=$(cd "$root" && pwd -P)
        root=${root%/}
    fi
    if [[ -z $extras && -r $root/opt/sfr/venv/.extras ]]; then extras=$(<"$root/opt/sfr/venv/.extras"); fi
    if [[ -n $wheels ]]; then
        [[ -d $wheels ]] || misuse "--wheels: there is no directory $wheels"
        wheels=$(cd "$wheels" && pwd -P)
    fi
    if [[ $python == */* && -x $python ]]; then python=$(cd "$(dirname "$python")" && pwd)/${python##*/}; fi
}

# Whether this changes the running system: with --root, users, owners and the service manager are left alone.
is_live() { [[ -z $root ]]; }
has_systemd() { is_live && [[ -d /run/systemd/system ]]; }

check_system() {
    if is_live && [[ -z $dry_run && $(id -u) -ne 0 ]]; then
        fail "needs root; run it with sudo, or look first with --dry-run"
    fi
    [[ -n $uninstall ]] && return
    [[ $source_dir != "$root/opt/sfr" ]] || fail "run it from a checkout outside $root/opt/sfr, which it replaces"
    "$python" -I - <<'PY' || fail "needs Python 3.11 or newer with venv: apt-get install python3 python3-venv"
import sys
if sys.version_info < (3, 11):
    raise SystemExit(1)
import ensurepip, venv  # Debian ships them apart
PY
    read_extras
    # ProtectHome=yes of the service hides these, and a virtual environment only points to its interpreter.
    local interpreter
    interpreter=$("$python" -I -c 'import os, sys; print(os.path.realpath(sys.base_prefix))')
    if is_live && [[ $interpreter/ =~ ^/(home|root|run/user)/ ]]; then
        fail "the service cannot see $interpreter; name a Python outside the home directories by --python"
    fi
}

# Programs and units are not replaced during a run; one that is waiting for a restart counts as running.
check_idle() {
    has_systemd || return 0
    local active
    active=$(systemctl list-units --plain --no-legend --state=active,activating,deactivating \
        'sfr@*.service' 'sfr-instance-*.service' 'sfr-fleet.service' 'sfr-dask-*.service' | cut -d' ' -f1)
    [[ -z $active ]] || fail "at work: ${active//$'\n'/, }; wait for it, or stop it with systemctl stop"
}

make_user_and_directories() {
    run install -D -m 644 "$source_dir/deploy/systemd/sfr.sysusers.conf" "$root/etc/sysusers.d/sfr.conf"
    run install -D -m 644 "$source_dir/deploy/systemd/sfr.tmpfiles.conf" "$root/etc/tmpfiles.d/sfr.conf"
    if is_live; then
        run systemd-sysusers /etc/sysusers.d/sfr.conf
        run systemd-tmpfiles --create /etc/tmpfiles.d/sfr.conf
    else
        run install -d -m 755 "$root/var/lib/sfr"
        run install -d -m 750 "$root/etc/sfr"
        run install -d -m 700 "$root/etc/sfr/credentials"
    fi
}

install_program() {
    local target=$root/opt/sfr staged=$root/opt/sfr/.new
    run install -d -m 755 "$target"
    run rm -rf "$staged"
    run install -d -m 755 "$staged"
    run cp -R "$source_dir/sfr" "$staged/sfr"
    run find "$staged/sfr" -name __pycache__ -prune -exec rm -rf '{}' +
    run chmod -R u=rwX,go=rX "$staged"
    run install -m 644 "$source_dir/sfr.py" "$source_dir/requirements.txt" "$source_dir/LICENSE" "$staged"
    run install -m 755 "$source_dir/deploy/notify.sh" "$staged"
    make_environment "$staged/venv"
    if [[ -n $environment_is_new && -z $dry_run ]]; then printf '%s' "$extras" >"$staged/venv/.extras"; fi
    # The old program stays complete until the new one and its packages are installed.
    if [[ -n $environment_is_new ]]; then
        run rm -rf "$target/venv"
        run mv "$staged/venv" "$target/venv"
    fi
    run rm -rf "$target/sfr"
    run mv "$staged/sfr" "$staged/sfr.py" "$staged/requirements.txt" "$staged/LICENSE" "$staged/notify.sh" "$target/"
    run rmdir "$staged"
    # The service cannot write there: without this every run would compile the program again.
    run "$target/venv/bin/python" -I -m compileall -q "$target/sfr"
    run install -D -m 755 "$source_dir/deploy/sfr-instance.sh" "$root/usr/local/sbin/sfr-instance"
}

# Only bin/python of the environment is ever called, so it can be created elsewhere and moved.
make_environment() {
    local staged=$1 installed=$root/opt/sfr/venv wanted
    # Records what was installed, so that nothing is done twice.
    wanted=$("$python" -I -VV; echo "$extras"; cat "$source_dir/requirements.txt" "$source_dir/setup.cfg")
    if [[ -x $installed/bin/python && $(cat "$installed/.installed" 2>/dev/null) == "$wanted" ]]; then
        say "the packages in $installed are up to date"
        return
    fi
    environment_is_new=yes
    if [[ -z $packages ]]; then
        run "$python" -I -m venv --without-pip "$staged"
        return
    fi
    run "$python" -I -m venv "$staged"
    local options=(--quiet --disable-pip-version-check --no-cache-dir --only-binary=:all:)
    if [[ -n $wheels ]]; then options+=(--no-index --find-links "$wheels"); fi
    run "$staged/bin/python" -I -m pip install "${options[@]}" --requirement "$source_dir/requirements.txt" "${extra_packages[@]}"
    if [[ -z $dry_run ]]; then printf '%s' "$wanted" >"$staged/.installed"; fi
}

# Fills extra_packages with the packages of the named extras in setup.cfg.
read_extras() {
    local listed
    listed=$("$python" -I - "$source_dir/setup.cfg" "$extras" <<'PY'
import configparser, sys
path, names = sys.argv[1:]
parser = configparser.ConfigParser()
parser.read(path)
extras = parser["options.extras_require"]
for name in filter(None, names.split(",")):
    if name not in extras:
        raise SystemExit(f"install: there is no extra {name}; there are: {', '.join(sorted(extras))}")
    print(extras[name].strip())
PY
    ) || exit 2
    if [[ -n $listed ]]; then mapfile -t extra_packages <<<"$listed"; fi
}

install_units() {
    local unit
    for unit in sfr@.service sfr@.timer sfr-notify@.service; do
        run install -D -m 644 "$source_dir/deploy/systemd/$unit" "$root/etc/systemd/system/$unit"
    done
    if has_systemd; then run systemctl daemon-reload; fi
}

add_config() {
    local config=$1 owner=()
    if is_live; then owner=(-o root -g sfr); fi
    if [[ -e $root/etc/sfr/$config.yaml ]]; then
        say "/etc/sfr/$config.yaml exists and is not changed"
    elif [[ -f $source_dir/conf/$config.yaml ]]; then
        copy_set_up "${owner[@]}"
    else
        add_example prod.yaml "$config.yaml" "${owner[@]}"
        if [[ ! -e $root/etc/sfr/$config.csv ]]; then add_example prod.csv "$config.csv" "${owner[@]}"; fi
    fi
    run install -d -m 700 "$root/etc/sfr/credentials/$config"
}

# Made by `sfr init`. The service's working directory takes the checkout's place: there its relative paths lead to the same
# files. It reads secrets and replaces a token there, so they are its own.
copy_set_up() {
    local home=$root/var/lib/sfr/$config own=() file
    if is_live; then own=(-o sfr -g sfr); fi
    # The service can write there, so root follows no path that it may have prepared.
    [[ ! -e $home ]] || fail "$home is there, of an earlier $config; rename it, or write /etc/sfr/$config.yaml yourself"
    run install -d -m 750 "${own[@]}" "$home" "$home/conf"
    for file in ".env.$config" "conf/$config".{key,crt,token}; do
        if [[ -f $source_dir/$file ]]; then run install -m 600 "${own[@]}" "$source_dir/$file" "$home/$file"; fi
    done
    for file in "input/$config.csv" "conf/$config.yaml"; do
        if [[ ! -f $source_dir/$file || -e $root/etc/sfr/${file##*/} ]]; then continue; fi
        add_copy "$source_dir/$file" "${file##*/}" "s#\binput/$config\.csv#/etc/sfr/$config.csv#" "$@"
    done
    copied+=" $config "
    say "$config: copied from $source_dir; what is there is not used any more"
}

# The examples are for `prod`: the copy gets the name of its own configuration.
add_example() {
    local example=$1 name=$2
    shift 2
    add_copy "$source_dir/deploy/examples/$example" "$name" "s/\bprod\b/$config/g" "$@"
}

# add_copy SOURCE NAME EDIT [OWNER...]: the file /etc/sfr/NAME, from SOURCE, by sed.
add_copy() {
    local source=$1 target=$root/etc/sfr/$2 edit=$3
    shift 3
    run install -m 640 "$@" /dev/null "$target"
    if [[ -n $dry_run ]]; then
        echo "would write: $target, from $source"
    else
        sed "$edit" "$source" >"$target"
    fi
}

say_what_is_next() {
    local config
    say "${dry_run:+dry run: nothing was }done"
    for config in "${configs[@]}"; do
        echo "Next, for $config (docs/operations.md has the details):"
        if [[ $copied != *" $config "* ]]; then
            echo "  - edit /etc/sfr/$config.yaml and /etc/sfr/$config.csv"
            echo "  - put each secret into a file of /etc/sfr/credentials/$config (root only)"
        fi
        echo "  - sfr-instance $config --check"
        echo "  - systemctl start sfr@$config; journalctl -u sfr@$config"
        echo "  - systemctl enable --now sfr@$config.timer"
    done
    if [[ ${#configs[@]} -eq 0 ]]; then say "add a configuration with: deploy/install.sh prod"; fi
}

remove_program() {
    local link
    for link in "$root"/etc/systemd/system/timers.target.wants/sfr@*.timer; do
        [[ -L $link ]] || continue
        if has_systemd; then run systemctl disable --now "${link##*/}"; else run rm -f "$link"; fi
    done
    if has_systemd; then run systemctl stop 'sfr@*.timer'; fi
    run rm -f "$root/etc/systemd/system/sfr@.service" "$root/etc/systemd/system/sfr@.timer" \
        "$root/etc/systemd/system/sfr-notify@.service" "$root/usr/local/sbin/sfr-instance" \
        "$root/etc/sysusers.d/sfr.conf" "$root/etc/tmpfiles.d/sfr.conf"
    if has_systemd; then run systemctl daemon-reload; fi
    # By name: other files there are not ours.
    local part
    for part in venv sfr sfr.py requirements.txt LICENSE notify.sh .new; do run rm -rf "$root/opt/sfr/$part"; done
    if [[ -d $root/opt/sfr ]]; then run rmdir --ignore-fail-on-non-empty "$root/opt/sfr"; fi
}

remove_everything_else() {
    run rm -rf "$root/etc/sfr" "$root/var/lib/sfr" "$root/etc/systemd/system/"sfr@*.d "$root/etc/systemd/system/"sfr-notify@*.d
    # When systemd last started the timers.
    run rm -f "$root/var/lib/systemd/timers/"stamp-sfr@*.timer
    if is_live && getent passwd sfr >/dev/null; then run userdel sfr; fi
    if is_live && getent group sfr >/dev/null; then run groupdel sfr; fi
}

main() {
    read_arguments "$@"
    # Other users may be able to write to the caller's directory. For the same reason Python runs with -I everywhere: without
    # modules from the working directory, PYTHON* variables and home directories.
    cd /
    check_system
    check_idle
    if [[ -n $uninstall ]]; then
        remove_program
        if [[ -n $purge ]]; then
            remove_everything_else
            say "${dry_run:+dry run: nothing was }removed, with configurations, credentials, reports and history"
        else
            say "${dry_run:+dry run: nothing was }removed; /etc/sfr, /var/lib/sfr and the user sfr stay (--purge removes them)"
        fi
        return
    fi
    make_user_and_directories
    install_program
    install_units
    local config
    for config in "${configs[@]}"; do add_config "$config"; done
    say_what_is_next
}

main "$@"
