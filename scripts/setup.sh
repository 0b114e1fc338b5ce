#!/usr/bin/env bash
# Gets a machine ready; called by the Makefile, from the root of the repository.
#   setup.sh venv EXTRAS   makes .venv and installs the pinned packages, e.g. EXTRAS=dev,docs
#   setup.sh ngspice       installs ngspice and its shared library, where missing
#   setup.sh browser       installs Chromium for the tests of pages, where missing
#   setup.sh make          installs make, where missing
# PYTHON names the Python to take, NGSPICE_LIBRARY_PATH an ngspice library outside the system's,
# DANP_BROWSER a Chromium outside the PATH.
set -euo pipefail

fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

# install_packages APT DNF BREW: the system's packages, each argument a list of names.
install_packages() {
    local as_root=() install
    if command -v apt-get >/dev/null; then
        install="apt-get install -y $1"
    elif command -v dnf >/dev/null; then
        install="dnf install -y $2"
    elif command -v brew >/dev/null; then
        install="brew install $3"
    else
        fail "no apt-get, dnf or brew here; please install: $1 (Debian's names)"
    fi
    if [[ $install != brew* && $(id -u) != 0 ]]; then
        sudo -n true 2>/dev/null || fail "root is needed; please run: sudo $install"
        as_root=(sudo -n)
    fi
    echo "setup: $install"
    if [[ $install == apt-get* ]]; then
        install="env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 ${install#apt-get }"
        quietly ${as_root[@]+"${as_root[@]}"} apt-get -qq update || true # the install tells
    fi
    # shellcheck disable=SC2086  # a command line of plain words
    quietly ${as_root[@]+"${as_root[@]}"} $install || fail "failed: $install"
}

# Shows a command's output only if it fails.
quietly() {
    local output
    output=$("$@" 2>&1 </dev/null) || {
        printf '%s\n' "$output" >&2
        return 1
    }
}

# The first Python >= 3.11 that can make virtual environments; 3.11 first, the pins are made on it.
find_python() {
    local python
    for python in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if "$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    return 1
}

require_python() {
    python=$(find_python) && return
    [[ -z ${PYTHON:-} ]] || fail "PYTHON=$PYTHON is no Python >= 3.11 with its venv module"
    install_packages "python3 python3-venv" "python3" "python@3.12"
    python=$(find_python) || fail "no Python >= 3.11 found; install one and name it: make PYTHON=/path/to/python3.11 …"
}

make_venv() {
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        require_python
        "$python" -m venv --clear .venv
    fi
    echo "setup: installing Python packages into .venv (minutes the first time)"
    quietly .venv/bin/python -m pip install --disable-pip-version-check -c constraints.txt -e ".[$1]"
}

has_ngspice() {
    [[ -n ${NGSPICE_LIBRARY_PATH:-} ]] && return
    command -v ngspice >/dev/null &&
        "$python" -c 'import ctypes.util, sys; sys.exit(ctypes.util.find_library("ngspice") is None)'
}

require_ngspice() {
    python=.venv/bin/python
    [[ -x $python ]] || require_python
    has_ngspice && return
    install_packages "ngspice libngspice0" "ngspice libngspice" "ngspice libngspice"
    hash -r
    has_ngspice || [[ $(uname) == Darwin ]] || # the Makefile knows Homebrew's folders
        fail "ngspice is installed, but Python does not find its library; set NGSPICE_LIBRARY_PATH to the file libngspice.so"
}

# As tests/browser.py looks for one.
has_browser() {
    local name
    if [[ -n ${DANP_BROWSER:-} ]]; then
        command -v "$DANP_BROWSER" >/dev/null || fail "DANP_BROWSER=$DANP_BROWSER: no such program"
        return
    fi
    for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
        command -v "$name" >/dev/null && return
    done
    [[ -x /Applications/Chromium.app/Contents/MacOS/Chromium ]]
}

require_browser() {
    has_browser && return
    install_packages "chromium" "chromium" "--cask chromium"
    hash -r
    has_browser || fail "no Chromium found after the installation; name its executable in DANP_BROWSER"
}

case ${1:-} in
    venv) make_venv "$2" ;;
    ngspice) require_ngspice ;;
    browser) require_browser ;;
    make) command -v make >/dev/null || install_packages make make make ;;
    *) fail "unknown step '${1:-}'" ;;
esac
