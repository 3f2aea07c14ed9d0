// The frame around every view: where one can go, whether what is shown is live, the key, the keys.

import type { ComponentType } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { key, onKeyWanted } from "./api/client";
import { useLiveState } from "./api/live";
import { listen, PLACES } from "./keyboard";
import { Notice } from "./parts/basic";
import { type Address, useAddress } from "./routing";
import { chosenTheme, nextTheme } from "./theme";
import Overview from "./views/overview";

export type View = ComponentType<{ address: Address }>;
type Loader = () => Promise<{ default: View }>;

/** Views beside the first are loaded when they are first looked at. */
const LOADERS: Readonly<Record<string, Loader>> = {
  agents: () => import("./views/agents"),
  agent: () => import("./views/agent"),
  sessions: () => import("./views/sessions"),
  session: () => import("./views/session"),
  "llm-calls": () => import("./views/calls"),
  tools: () => import("./views/tools"),
  errors: () => import("./views/errors"),
  users: () => import("./views/users"),
  comparison: () => import("./views/comparison"),
  traces: () => import("./views/traces"),
  spans: () => import("./views/spans"),
  trace: () => import("./views/trace"),
  compare: () => import("./views/compare"),
  logs: () => import("./views/logs"),
  latency: () => import("./views/latency"),
  anomalies: () => import("./views/anomalies"),
  metrics: () => import("./views/metrics"),
  services: () => import("./views/services"),
  hosts: () => import("./views/hosts"),
  host: () => import("./views/host"),
  jobs: () => import("./views/jobs"),
  job: () => import("./views/job"),
  status: () => import("./views/status"),
};
const loaded = new Map<string, View>([["overview", Overview]]);

/** Where one can go: the views that there are. */
const SHOWN = PLACES.filter(({ path }) => path === "overview" || path in LOADERS);

/** The views of one thing out of a list. */
const SINGLE: Readonly<Record<string, string>> = { traces: "trace", agents: "agent", sessions: "session", hosts: "host", jobs: "job" };

function nameOf(address: Address): string {
  const [first = "overview", second] = address.path;
  return (second === undefined ? undefined : SINGLE[first]) ?? first;
}

function useView(name: string): { view?: View; failed?: boolean } {
  const [, setTurn] = useState(0);
  const [failed, setFailed] = useState<string>();
  useEffect(() => {
    const loader = LOADERS[name];
    if (loaded.has(name) || loader === undefined) return;
    loader().then(
      (module) => {
        loaded.set(name, module.default);
        setTurn((before) => before + 1);
      },
      () => setFailed(name),
    );
  }, [name]);
  const view = loaded.get(name);
  return view ? { view } : { failed: failed === name };
}

export function App() {
  const address = useAddress();
  const [help, setHelp] = useState(false);
  const [keyWanted, setKeyWanted] = useState(false);
  const [turn, setTurn] = useState(0);
  useEffect(() => listen((show) => setHelp((before) => (show === "turn" ? !before : show))), []);
  useEffect(() => onKeyWanted(() => setKeyWanted(true)), []);
  const name = nameOf(address);
  const main = useRef<HTMLElement>(null);
  usePlace(main, address, name);
  const given = () => {
    setKeyWanted(false);
    setTurn((before) => before + 1);
  };
  return (
    <div class="frame">
      <a class="skip" href={location.hash} onClick={(event) => { event.preventDefault(); main.current?.querySelector("h1")?.focus(); }}>
        To the content
      </a>
      <Navigation current={address.path[0] ?? "overview"} onHelp={() => setHelp(true)} />
      <main ref={main} id="main">
        <Shown key={turn} name={name} address={address} />
      </main>
      {help && <Help onClose={() => setHelp(false)} />}
      {keyWanted && <KeyDialog onGiven={given} onClose={() => setKeyWanted(false)} />}
    </div>
  );
}

function Shown({ name, address }: { name: string; address: Address }) {
  const { view: Found, failed } = useView(name);
  if (Found) return <Found address={address} />;
  if (failed) return <Notice kind="bad" title="This view could not be loaded">otlpd does not answer, or was replaced by a newer one: load the page anew.</Notice>;
  if (LOADERS[name]) return null;
  return (
    <Notice title="There is no such view">
      <a href="#/overview">Go to the overview</a>
    </Notice>
  );
}

const places = new Map<string, number>();

/** Every view is found again where it was left; a new one begins at its top, its title tells a screen reader. */
function usePlace(main: { current: HTMLElement | null }, address: Address, name: string): void {
  const place = `${address.path.join("/")}`;
  useLayoutEffect(() => {
    const element = main.current;
    if (!element) return;
    const wanted = places.get(place) ?? 0;
    element.scrollTop = wanted;
    // Rows that are asked anew may come a moment later than the view.
    const timers = wanted > 0 ? [60, 250].map((ms) => setTimeout(() => { element.scrollTop = wanted; }, ms)) : [];
    const keep = () => places.set(place, element.scrollTop);
    element.addEventListener("scroll", keep, { passive: true });
    return () => {
      timers.forEach(clearTimeout);
      element.removeEventListener("scroll", keep);
    };
  }, [place]);
  useEffect(() => {
    const title = PLACES.find(({ path }) => path === (address.path[0] ?? "overview"))?.name ?? "otlpd";
    document.title = `${name === "trace" ? `Trace ${address.path[1]?.slice(0, 8)}` : title} · otlpd`;
  }, [place]);
}

function Navigation({ current, onHelp }: { current: string; onHelp: () => void }) {
  const [theme, setTheme] = useState(chosenTheme);
  const live = useLiveState();
  const groups = [...new Set(SHOWN.map(({ group }) => group))];
  return (
    <nav aria-label="Views">
      <a class="brand" href="#/overview">
        <svg viewBox="0 0 16 16" width="18" height="18" aria-hidden="true">
          <rect width="16" height="16" rx="3.5" fill="var(--accent)" />
          <path d="M3 4.5h7M5 8h8M7 11.5h4" stroke="#fff" stroke-width="1.8" stroke-linecap="round" />
        </svg>
        otlpd
      </a>
      {groups.map((group) => (
        <ul key={group} aria-label={group || "Overview"}>
          {group && <li class="group" aria-hidden="true">{group}</li>}
          {SHOWN.filter((place) => place.group === group).map((place) => (
            <li key={place.path}>
              <a href={`#/${place.path}`} aria-current={place.path === current ? "page" : undefined} title={`g ${place.letter}`}>
                {place.name}
              </a>
            </li>
          ))}
        </ul>
      ))}
      <div class="foot">
        <span class={`stream ${live}`} title={live === "live" ? "New telemetry is shown as it is stored" : "Nothing here is updated by itself"}>
          <i aria-hidden="true" /> {live === "live" ? "Live" : live === "connecting" ? "Connecting" : "Not live"}
        </span>
        <button type="button" class="quiet small" onClick={() => setTheme(nextTheme())} title="Colours: as the system, light, dark">
          {theme === "system" ? "System" : theme === "dark" ? "Dark" : "Light"}
        </button>
        <button type="button" class="quiet small" onClick={onHelp} aria-label="Keys" title="Keys (?)">
          ?
        </button>
      </div>
    </nav>
  );
}

function Help({ onClose }: { onClose: () => void }) {
  const rows: readonly (readonly [string, string])[] = [
    ["/", "search in this view"],
    ["j  k", "next, previous row"],
    ["Enter", "open the row"],
    ["?", "these keys"],
    ["Esc", "close, leave the search"],
    ...SHOWN.map(({ letter, name }) => [`g ${letter}`, name] as const),
  ];
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {rows.map(([keys, what]) => (
          <div key={keys}>
            <dt>{keys.split(" ").filter(Boolean).map((one) => <kbd key={one}>{one}</kbd>)}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

function KeyDialog({ onGiven, onClose }: { onGiven: () => void; onClose: () => void }) {
  const [value, setValue] = useState("");
  const refused = key.get() !== null;
  const give = (event: SubmitEvent) => {
    event.preventDefault();
    key.set(value.trim());
    onGiven();
  };
  return (
    <Dialog title="This otlpd asks for an API key" onClose={onClose}>
      <form class="key" onSubmit={give}>
        {refused && <p class="bad">▲ The key that was given is not known.</p>}
        <p>A key with the scope <code>query</code>. It is kept until this tab is closed, and sent in a header, never in an address.</p>
        <label>
          API key
          <input type="password" autocomplete="off" value={value} onInput={(event) => setValue(event.currentTarget.value)} required />
        </label>
        <button type="submit" class="main">Use this key</button>
      </form>
    </Dialog>
  );
}

export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: preact.ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onClose} aria-label={title} onClick={(event) => event.target === dialog.current && dialog.current?.close()}>
      <div class="dialog">
        <header>
          <h2>{title}</h2>
          <button type="button" class="quiet" onClick={() => dialog.current?.close()} aria-label="Close">
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
