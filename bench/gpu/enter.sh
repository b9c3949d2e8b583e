# Source this on the bare machine, in bash or sh from the folder above the unpacked kit or with KIT set: Node, the
# libraries, the data and the driver's ICD file are found from then on, and the current folder is the project's.
kit=${KIT:-$(cd "$(dirname "${BASH_SOURCE[0]:-gpu-kit/enter.sh}")" && pwd)}
export PATH="$kit/bin:$PATH"
export LD_LIBRARY_PATH="$kit/gl/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export XDG_CACHE_HOME="$kit/cache"
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}"
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; then
  for icd in /usr/local/nvidia/share /usr/share /etc; do
    [ -f "$icd/vulkan/icd.d/nvidia_icd.json" ] && export VK_DRIVER_FILES="$icd/vulkan/icd.d/nvidia_icd.json" && break
  done
fi
cd "$kit/project" || return
