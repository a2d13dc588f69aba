#!/bin/bash
#SBATCH --job-name=uniavgen-bench
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --exclusive
#SBATCH --time=12:00:00
#
# One run on the nodes of one job. For GPUs add, for example: #SBATCH --gpus-per-node=8
#
#   export UNIAVGEN_BENCH_HOME=/shared/uniavgen-bench
#   sbatch docs/examples/slurm_ray.sh joint --out /shared/runs/joint
#   sbatch --gpus-per-node=8 docs/examples/slurm_ray.sh joint --out /shared/runs/joint --device cuda --ray-gpus 0.5
#
# What follows the script goes to `uniavgen-bench run`. The environment that has uniavgen-bench[ray] must be active
# when the job is handed in, and be on a folder that all nodes share. A job that ran out of time goes on when it is
# handed in again with the same --out. `ray symmetric-run` starts Ray on every node, carries out the command on the
# first, and stops Ray; it stops all that a user has of Ray on a node, hence --exclusive.
set -euo pipefail

: "${UNIAVGEN_BENCH_HOME:?name a folder that all nodes share}"
if [ "$#" -eq 0 ]; then
    echo "usage: sbatch slurm_ray.sh SUITE --out FOLDER [options of uniavgen-bench run]" >&2
    exit 2
fi
export UNIAVGEN_BENCH_HOME
export RAY_USAGE_STATS_ENABLED=0
# Only this job may use its cluster. The token travels in the environment of `srun`, and ends with the job.
export RAY_AUTH_MODE=token
RAY_AUTH_TOKEN=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN

first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address="$first:$((20000 + SLURM_JOB_ID % 10000))"

# The launcher ends with status 0 also when Ray did not start: only the command itself leaves this file.
ended="$UNIAVGEN_BENCH_HOME/.slurm-$SLURM_JOB_ID-ended"
mkdir -p "$UNIAVGEN_BENCH_HOME"
rm -f "$ended"
trap 'rm -f "$ended"' EXIT

srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" \
    ray symmetric-run --address "$address" --min-nodes "$SLURM_JOB_NUM_NODES" \
    --num-cpus="$SLURM_CPUS_PER_TASK" --include-dashboard=false --disable-usage-stats -- \
    bash -c 'status=0; "${@:2}" || status=$?; echo "$status" > "$1"; exit "$status"' command "$ended" \
    uniavgen-bench run "$@" --executor ray --ray-address "$address" || true

if [ ! -f "$ended" ]; then
    echo "Ray did not start on the nodes of the job: the run was not begun" >&2
    exit 1
fi
exit "$(cat "$ended")"
