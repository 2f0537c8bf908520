# shellcheck shell=bash disable=SC2034
# Sourced by install, bundle and unbundle, at the top of the tree: $python is the first that is 3.11 or newer, or, with
# FDE_PYTHON=3.12, the first of that version. Each is run: a name on PATH may be an empty shim.
for python in .venv/bin/python python3.13 python3.12 python3.11 python3 none; do
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11) or sys.argv[1] not in ("", "%d.%d" % sys.version_info[:2]))' \
    "${FDE_PYTHON:-}" 2>/dev/null && break
done
[[ $python != none ]] || refuse "No Python ${FDE_PYTHON:-3.11 or newer} was found (tried python3.13, 3.12, 3.11 and python3). Install one and run this again."
