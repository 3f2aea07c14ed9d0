// Runs of jobs as /api/v1/runs tells them. That path keeps the form that clients of another system know, and stands in no OpenAPI
// document; what is read here is held by the browser tests.

export interface Run {
  readonly event_id: string;
  readonly run_id: string;
  readonly created_at: string | null;
  readonly start_time: string | null;
  readonly end_time: string | null;
  readonly agent_name: string;
  readonly job_type: string;
  readonly status: "running" | "success" | "failure" | "partial" | "timeout" | "cancelled";
  readonly duration_ms: number;
  readonly items_discovered: number;
  readonly items_succeeded: number;
  readonly items_failed: number;
  readonly items_skipped: number;
  readonly error_summary: string | null;
  readonly error_details: string | null;
  readonly parent_run_id: string | null;
  readonly commit_url: string | null;
  readonly repo_url: string | null;
  readonly git_commit_hash: string | null;
  readonly host: string | null;
  readonly environment: string | null;
  readonly trigger_type: string | null;
  readonly metrics_json: unknown;
  readonly context_json: unknown;
  readonly [column: string]: unknown;
}

export interface Known {
  readonly agent_names: readonly string[];
  readonly job_types: readonly string[];
}

/** What was told; else from start to end. Nothing for a run that has no end. */
export function lengthOf(run: Run): number | null {
  if (run.duration_ms > 0) return run.duration_ms;
  if (run.start_time === null || run.end_time === null) return null;
  const length = Date.parse(run.end_time) - Date.parse(run.start_time);
  return Number.isNaN(length) || length < 0 ? null : length;
}

export function hasFailed({ status }: Run): boolean {
  return status === "failure" || status === "timeout";
}

/** The value below which this part of the values lies: one of them, never something between two. */
export function quantile(values: readonly number[], part: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? null;
}
