// Asking from a component: one question at a time, the older one cancelled, the last answer kept while the next is under way.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, type Answer, type AnyQuestion, askUrl, type Page, type Path, type Question, urlOf } from "./client";

export interface Asked<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  /** Since when the answer is being waited for, in ms since the page was opened; undefined when nothing is under way. */
  readonly since: number | undefined;
  readonly url: string | undefined;
  readonly again: () => void;
  readonly cancel: () => void;
}

/** Answers that were seen before, by address: going back shows them at once, and asks anew. */
const remembered = new Map<string, unknown>();
const REMEMBERED = 40;

export function remember(key: string, value: unknown): void {
  remembered.delete(key);
  remembered.set(key, value);
  const oldest = remembered.keys().next();
  if (remembered.size > REMEMBERED && !oldest.done) remembered.delete(oldest.value);
}

export function recall<T>(key: string): T | undefined {
  return remembered.get(key) as T | undefined;
}

function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "page", String(error));
}

/** Asks `url` whenever it or `tick` changes; undefined asks nothing. */
export function useUrl<T>(url: string | undefined, tick = 0): Asked<T> {
  return useAsking(url, url, (signal) => askUrl<T>(url ?? "", signal).then(({ body }) => body), tick);
}

/** All the answers at once, in the order of the questions. */
export function useUrls<T>(urls: readonly string[], tick = 0): Asked<readonly T[]> {
  const ask = (signal: AbortSignal) => Promise.all(urls.map((url) => askUrl<T>(url, signal).then(({ body }) => body)));
  return useAsking(urls.length === 0 ? undefined : urls.join("\n"), urls[0], ask, tick);
}

function useAsking<T>(key: string | undefined, url: string | undefined, ask: (signal: AbortSignal) => Promise<T>, tick: number): Asked<T> {
  const [state, setState] = useState<{ key?: string; data?: T; error?: ApiError; since?: number }>({});
  const [turn, setTurn] = useState(0);
  const controller = useRef<AbortController | undefined>(undefined);
  useEffect(() => {
    if (key === undefined) {
      setState({});
      return;
    }
    const mine = new AbortController();
    controller.current = mine;
    setState((before) => {
      const data = before.key === key ? before.data : recall<T>(key);
      return { key, since: performance.now(), ...(data === undefined ? {} : { data }) };
    });
    ask(mine.signal).then(
      (body) => {
        if (mine.signal.aborted) return;
        remember(key, body);
        setState({ key, data: body });
      },
      (error: unknown) => {
        if (mine.signal.reason === "cancelled") setState((before) => ({ key, error: new ApiError(0, "cancelled", "Cancelled."), ...keep(before.data) }));
        else if (!mine.signal.aborted) setState((before) => ({ key, error: asApiError(error), ...keep(before.data) }));
      },
    );
    return () => mine.abort("left");
  }, [key, tick, turn]);
  const again = useCallback(() => setTurn((before) => before + 1), []);
  const cancel = useCallback(() => controller.current?.abort("cancelled"), []);
  const current = state.key === key ? state : key === undefined ? {} : { data: recall<T>(key), since: performance.now() };
  return { data: current.data, error: "error" in current ? current.error : undefined, since: current.since, url, again, cancel };
}

function keep<T>(data: T | undefined): { data?: T } {
  return data === undefined ? {} : { data };
}

export function useAnswer<P extends Path>(path: P, question: Question<P> | undefined, tick = 0): Asked<Answer<P>> {
  return useUrl<Answer<P>>(question && urlOf(path, question as AnyQuestion), tick);
}

export interface AskedList<T> extends Asked<readonly T[]> {
  /** Asks for the next page; undefined when nothing follows. */
  readonly more: (() => void) | undefined;
}

/** A list of pages. A tick asks the first page again, and keeps what was already unfolded below it. */
export function useList<P extends Path>(path: P, question: Question<P>, tick = 0): AskedList<Answer<P> extends readonly (infer T)[] ? T : never> {
  type Item = Answer<P> extends readonly (infer T)[] ? T : never;
  const url = urlOf(path, question as AnyQuestion);
  const listKey = `list ${url}`;
  const [state, setState] = useState<{ key?: string; pages?: readonly Page<readonly Item[]>[]; error?: ApiError; since?: number }>({});
  const [turn, setTurn] = useState(0);
  const controller = useRef<AbortController | undefined>(undefined);
  const pages = state.key === listKey ? state.pages : recall<readonly Page<readonly Item[]>[]>(listKey);

  const load = useCallback(
    (pageUrl: string, before: readonly Page<readonly Item[]>[]) => {
      controller.current?.abort("left");
      const mine = new AbortController();
      controller.current = mine;
      setState((old) => ({ key: listKey, since: performance.now(), ...(old.key === listKey && old.pages ? { pages: old.pages } : { pages: before }) }));
      askUrl<readonly Item[]>(pageUrl, mine.signal).then(
        (page) => {
          if (mine.signal.aborted) return;
          const all = [...before, page];
          remember(listKey, all);
          setState({ key: listKey, pages: all });
        },
        (error: unknown) => {
          if (mine.signal.reason === "cancelled") setState((old) => ({ ...old, error: new ApiError(0, "cancelled", "Cancelled."), since: undefined as never }));
          else if (!mine.signal.aborted) setState((old) => ({ key: listKey, error: asApiError(error), ...(old.pages ? { pages: old.pages } : {}) }));
        },
      );
    },
    [listKey],
  );
  const unfolded = (pages?.length ?? 0) > 1;
  const first = useRef(true);
  useEffect(() => {
    // What a reader has unfolded stays where it is; new items come when the list is asked anew.
    const kept = recall<readonly Page<readonly Item[]>[]>(listKey);
    if (kept !== undefined && kept.length > 1 && (first.current || unfolded)) setState({ key: listKey, pages: kept });
    else load(url, []);
    first.current = false;
    return () => controller.current?.abort("left");
  }, [listKey, tick, turn]);
  const next = pages?.at(-1)?.next ?? null;
  return {
    data: pages === undefined || (pages.length === 0 && state.since !== undefined) ? undefined : pages.flatMap((page) => page.body),
    error: state.key === listKey ? state.error : undefined,
    since: state.key === listKey ? state.since : performance.now(),
    url,
    again: () => {
      remembered.delete(listKey);
      setTurn((before) => before + 1);
    },
    cancel: () => controller.current?.abort("cancelled"),
    more: next === null || pages === undefined ? undefined : () => load(next, pages),
  };
}
