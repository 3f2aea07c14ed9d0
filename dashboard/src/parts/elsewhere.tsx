// Nothing in this range: says where there is something, so that nobody looks at an empty page and doubts the sender.

import { useAnswer } from "../api/hooks";
import { ago, time } from "../format";
import { change } from "../routing";
import { Notice } from "./basic";
import type { Range } from "./range";

const AROUND_MS = 30 * 60_000;

export function Elsewhere({ what, range, filtered = false }: { what: "spans" | "logs"; range: Range; filtered?: boolean }) {
  const bounded = range.start !== undefined || range.end !== undefined;
  const traces = useAnswer("/api/traces", bounded && what === "spans" ? { limit: 1 } : undefined);
  const logs = useAnswer("/api/logs", bounded && what === "logs" ? { limit: 1 } : undefined);
  const newest = what === "spans" ? traces.data?.[0]?.start_time : logs.data?.[0]?.time;
  const around = () => {
    if (newest === undefined) return;
    const at = Date.parse(newest);
    change({ start: new Date(at - AROUND_MS).toISOString(), end: new Date(at + AROUND_MS).toISOString() });
  };
  return (
    <Notice title={filtered ? `No ${what} fit` : `No ${what} in this range`}>
      {filtered && <p>All filters must hold at once{bounded ? ", in this range of time" : ""}.</p>}
      {newest !== undefined && (
        <p>
          The newest of all {what} came {ago(newest)}, at {time(newest)}.{" "}
          <button type="button" class="link" onClick={around}>
            Look there
          </button>{" "}
          or{" "}
          <button type="button" class="link" onClick={() => change({ start: "all", end: null })}>
            look at all time
          </button>
          .
        </p>
      )}
    </Notice>
  );
}
