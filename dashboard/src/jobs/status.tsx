import { hasFailed, type Run } from "./run";

/** A sign and a word; colour only on top. */
export function RunStatus({ run }: { run: Run }) {
  if (hasFailed(run)) return <span class="badge bad">▲ {run.status}</span>;
  if (run.status === "running") return <span class="badge warn">◌ no end yet</span>;
  return <span class={run.status === "success" ? "badge" : "badge warn"}>{run.status === "success" ? "success" : `△ ${run.status}`}</span>;
}
