#!/usr/bin/env bash
# The GPU's checks in at most eight minutes, without a network: `bash test/gpu/run.sh --help`. It uses what
# `test/gpu/prepare.sh` laid into test/gpu/prepared/, else what the machine has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
prepared=test/gpu/prepared

# Libraries that the product looks for in known places lie in the prepared folder here.
if [ -f "$prepared/parts.tar.xz" ] && [ ! -f "$prepared/unpacked/done" ]; then
  mkdir -p "$prepared/unpacked"
  tar -xJf "$prepared/parts.tar.xz" -C "$prepared/unpacked"
  touch "$prepared/unpacked/done"
fi
if [ -d "$prepared/unpacked/node_modules" ] && [ ! -d node_modules ]; then
  ln -s "$prepared/unpacked/node_modules" node_modules
fi
if [ -d "$prepared/unpacked/onnxruntime" ] && [ -z "${ORT_LIB_PATH:-}" ]; then
  export ORT_LIB_PATH="$PWD/$prepared/unpacked/onnxruntime"
fi

# CUDA and cuDNN of NVIDIA's wheels, where Python has them, are in no loader's path.
if command -v python3 >/dev/null 2>&1; then
  wheels=$(python3 - <<'PY'
import glob, site, sys, sysconfig

places = {sysconfig.get_paths()["purelib"], *site.getsitepackages(), *[p for p in sys.path if p.endswith("-packages")]}
print(":".join(sorted({f for p in places for f in glob.glob(f"{p}/nvidia/*/lib") + glob.glob(f"{p}/tensorrt_libs")})))
PY
  )
  [ -z "$wheels" ] || export LD_LIBRARY_PATH="$wheels${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
fi

node=""
for candidate in node_modules/.bin/node "$prepared/unpacked/node/bin/node"; do
  [ -x "$candidate" ] && node="$candidate" && break
done
[ -n "$node" ] || node=$(command -v node || true)
if [ -z "$node" ]; then
  echo "skipped: GPU checks: no Node on this machine: npm ci, or test/gpu/prepare.sh on one with a network" >&2
  exit 0
fi
exec "$node" test/gpu/main.ts "$@"
