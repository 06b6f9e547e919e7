#!/usr/bin/env bash
# Train the agent of this recipe with slime on one node with 8 GPUs, its turns scheduled by thunderagent.
#
#   recipes/slime_search/run_on_gpus.sh SLIME MODEL_ARGS HF_CHECKPOINT TORCH_DIST_CHECKPOINT [more of slime's flags]
#
# In slime's own environment (its container), with thunderagent installed there: pip install 'thunderagent[gateway]'.
# SLIME: its checkout. MODEL_ARGS: one of its scripts/models/*.sh, such as qwen2.5-3B. A Ray cluster is started on this node.
# Without thunderagent, for comparison: --custom-generate-function-path recipes.slime_search.agent.generate
#   --rollout-function-path slime.rollout.sglang_rollout.generate_rollout   as further flags (the last of two wins).
set -euo pipefail

if (($# < 4)); then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
slime=$1 model=$2 checkpoint=$3 reference=$4
shift 4
source "$slime/scripts/models/$model.sh"

data=${DATA_DIR:-$here/outputs/slime_search/data}
cd "$here"
python3 -m recipes.slime_search.dataset "$data"

ray start --head --num-gpus 8 --disable-usage-stats
trap 'ray stop' EXIT
export PYTHONPATH="$here:$slime:${MEGATRON:-/root/Megatron-LM}" CUDA_DEVICE_MAX_CONNECTIONS=1
cd "$slime"
python3 train.py "${MODEL_ARGS[@]}" \
  --actor-num-nodes 1 --actor-num-gpus-per-node 8 --colocate \
  --hf-checkpoint "$checkpoint" --ref-load "$reference" \
  --rollout-function-path thunderagent.adapters.slime.generate_rollout \
  --custom-generate-function-path thunderagent.adapters.slime.generate \
  --custom-rm-path recipes.slime_search.agent.reward \
  --custom-config-path "$here/recipes/slime_search/thunder.yaml" \
  --prompt-data "$data/train.jsonl" --input-key prompt --label-key label --apply-chat-template --rollout-shuffle \
  --num-rollout 200 --rollout-batch-size 32 --n-samples-per-prompt 8 --global-batch-size 256 --balance-data \
  --rollout-max-response-len 8192 --rollout-temperature 1 \
  --eval-interval 20 --eval-prompt-data facts "$data/eval.jsonl" --n-samples-per-eval-prompt 1 --eval-max-response-len 8192 \
  --rollout-num-gpus-per-engine 2 --sglang-mem-fraction-static 0.7 \
  --tensor-model-parallel-size 2 --sequence-parallel --recompute-granularity full --recompute-method uniform \
  --recompute-num-layers 1 --use-dynamic-batch-size --max-tokens-per-gpu 9216 \
  --advantage-estimator grpo --use-kl-loss --kl-loss-coef 0.001 --kl-loss-type low_var_kl --eps-clip 0.2 --eps-clip-high 0.28 \
  --optimizer adam --lr 1e-6 --lr-decay-style constant --weight-decay 0.01 --adam-beta1 0.9 --adam-beta2 0.98 \
  --attention-dropout 0.0 --hidden-dropout 0.0 --accumulate-allreduce-grads-in-fp32 --attention-softmax-in-fp32 \
  --attention-backend flash "$@"
