// Nothing about agents in this range: says where to look, and what makes telemetry that of an agent.

import { Notice } from "../parts/basic";
import type { Range } from "../parts/range";
import { change } from "../routing";

export function NoAgents({ what, range, filtered = false }: { what: string; range: Range; filtered?: boolean }) {
  const bounded = range.start !== undefined || range.end !== undefined;
  return (
    <Notice title={filtered ? `No ${what} fit` : `No ${what}${bounded ? " in this range" : ""}`}>
      {filtered && <p>All filters must hold at once{bounded ? ", in this range of time" : ""}.</p>}
      {bounded && (
        <p>
          <button type="button" class="link" onClick={() => change({ start: "all", end: null })}>
            Look at all time
          </button>
        </p>
      )}
      {!filtered && (
        <p>
          What agents do is read from spans, logs and metrics of the GenAI conventions, of OpenInference and OpenLLMetry, and of coding agents. The{" "}
          <a href="#/overview">overview</a> says what has come in at all.
        </p>
      )}
    </Notice>
  );
}
