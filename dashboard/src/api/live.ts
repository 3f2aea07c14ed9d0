// What is being stored, as it is stored: one connection to /api/stream for the whole page, open while somebody looks.

import { useEffect, useState } from "preact/hooks";
import { request } from "./client";

export type Signal = "trace" | "log" | "dropped";
export type LiveState = "off" | "connecting" | "live";
type Listener = (signal: Signal) => void;

const AGAIN_MS = 3000;
const listeners = new Set<Listener>();
const watchers = new Set<(state: LiveState) => void>();
let state: LiveState = "off";
let connection: AbortController | undefined;

function tell(next: LiveState): void {
  state = next;
  for (const watcher of watchers) watcher(next);
}

async function run(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    tell("connecting");
    try {
      // Not EventSource: it cannot send the key in a header.
      const response = await request("/api/stream", signal, "text/event-stream");
      tell("live");
      await read(response, signal);
    } catch {
      // Asked again below; whoever needs the reason sees it at the questions themselves.
    }
    if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function read(response: Response, signal: AbortSignal): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (reader !== undefined && !signal.aborted) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    const signals = new Set(lines.filter((line) => line.startsWith("event: ")).map((line) => line.slice(7) as Signal));
    for (const name of signals) for (const listener of listeners) listener(name);
  }
}

function update(): void {
  const wanted = listeners.size > 0 && !document.hidden;
  if (wanted && connection === undefined) {
    connection = new AbortController();
    void run(connection.signal);
  } else if (!wanted && connection !== undefined) {
    connection.abort();
    connection = undefined;
    tell("off");
  }
}
document.addEventListener("visibilitychange", update);

/** A number that grows when something of these signals was stored, at most every `ms`; 0 for ever when `on` is false. */
export function useTick(on: boolean, signals: readonly Signal[], ms = 2000): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (!on) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;
    const listener: Listener = (signal) => {
      if (!signals.includes(signal) || timer !== undefined) return;
      timer = setTimeout(() => {
        timer = undefined;
        last = performance.now();
        setTick((before) => before + 1);
      }, Math.max(0, last + ms - performance.now()));
    };
    listeners.add(listener);
    update();
    return () => {
      listeners.delete(listener);
      clearTimeout(timer);
      update();
    };
  }, [on, ms, signals.join()]);
  return tick;
}

export function useLiveState(): LiveState {
  const [shown, setShown] = useState(state);
  useEffect(() => {
    watchers.add(setShown);
    setShown(state);
    return () => {
      watchers.delete(setShown);
    };
  }, []);
  return shown;
}
