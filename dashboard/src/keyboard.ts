// Keys: `/` to the search, `g` and a letter to a view, `j` and `k` along rows, `?` for this list, Escape back.

export interface Place {
  readonly letter: string;
  readonly name: string;
  readonly path: string;
  readonly group: string;
}

export const PLACES: readonly Place[] = [
  { letter: "o", name: "Overview", path: "overview", group: "" },
  { letter: "a", name: "Agents", path: "agents", group: "Agents" },
  { letter: "s", name: "Sessions", path: "sessions", group: "Agents" },
  { letter: "c", name: "LLM calls", path: "llm-calls", group: "Agents" },
  { letter: "u", name: "Tools", path: "tools", group: "Agents" },
  { letter: "e", name: "Errors", path: "errors", group: "Agents" },
  { letter: "r", name: "Users", path: "users", group: "Agents" },
  { letter: "w", name: "Compare", path: "comparison", group: "Agents" },
  { letter: "t", name: "Traces", path: "traces", group: "Telemetry" },
  { letter: "l", name: "Logs", path: "logs", group: "Telemetry" },
  { letter: "p", name: "Latency", path: "latency", group: "Telemetry" },
  { letter: "n", name: "Anomalies", path: "anomalies", group: "Telemetry" },
  { letter: "m", name: "Metrics", path: "metrics", group: "Telemetry" },
  { letter: "v", name: "Services", path: "services", group: "Systems" },
  { letter: "h", name: "Hosts, devices", path: "hosts", group: "Systems" },
  { letter: "j", name: "Jobs", path: "jobs", group: "Systems" },
  { letter: "x", name: "Status", path: "status", group: "Systems" },
];

const CHORD_MS = 1200;
let chordUntil = 0;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName));
}

function step(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main [data-row]")];
  if (rows.length === 0) return;
  const now = rows.findIndex((row) => row === document.activeElement || row.getAttribute("aria-current") === "true");
  const next = rows[now < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, now + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

/** Listens until the answer is called. `onHelp` shows or hides the list of keys. */
export function listen(onHelp: (show: boolean | "turn") => void): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      onHelp(false);
      if (isTyping(event.target)) (event.target as HTMLElement).blur();
      return;
    }
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (act(event.key, onHelp)) event.preventDefault();
  };
  addEventListener("keydown", onKey);
  return () => removeEventListener("keydown", onKey);
}

function act(key: string, onHelp: (show: "turn") => void): boolean {
  if (performance.now() < chordUntil) {
    chordUntil = 0;
    const place = PLACES.find(({ letter }) => letter === key);
    if (place) location.hash = `#/${place.path}`;
    return place !== undefined;
  }
  switch (key) {
    case "g":
      chordUntil = performance.now() + CHORD_MS;
      return true;
    case "/": {
      const search = document.querySelector<HTMLInputElement>("main [data-search]");
      search?.focus();
      search?.select();
      return search !== null;
    }
    case "?":
      onHelp("turn");
      return true;
    case "j":
    case "k":
      step(key === "j" ? 1 : -1);
      return true;
    default:
      return false;
  }
}
