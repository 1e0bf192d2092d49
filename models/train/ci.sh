#!/usr/bin/env bash
# The training's own checks: a virtual environment with the pinned packages, then its tests, the small run from
# training to export and evaluation among them. GRADELINE_TRAIN_VENV names the environment's folder.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="${GRADELINE_TRAIN_VENV:-$here/.venv}"
python="$(command -v python3.11 || command -v python3)"

stamp="$venv/installed.txt"
wanted="$(sha256sum "$here/pyproject.toml" | cut -d' ' -f1)"
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
  # The packages that pyproject.toml pins; the training itself runs from its folder and is not installed.
  "$venv/bin/python" - "$here/pyproject.toml" > "$venv/requirements.txt" <<'PY'
import sys, tomllib

project = tomllib.load(open(sys.argv[1], "rb"))["project"]
print("\n".join(project["dependencies"] + project["optional-dependencies"]["test"]))
PY
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$venv/requirements.txt"
  echo "$wanted" > "$stamp"
fi

cd "$here/../.."
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1
# Tests are many small arrays: threads that spin for each other's sake take four times as long on a busy machine.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" OPENBLAS_NUM_THREADS="${OPENBLAS_NUM_THREADS:-1}"
exec "$venv/bin/python" -m pytest -c "$here/pyproject.toml" --rootdir . test/models "$@"
