// A session in pages: useList cannot ask for it, as its facts stand inside one object.

import { useEffect, useState } from "preact/hooks";
import { ApiError, askUrl, type Schemas, urlOf } from "../api/client";
import type { Asked } from "../api/hooks";

type Session = Schemas["SessionDetail"];
interface State {
  readonly url: string;
  readonly data?: Session;
  readonly next?: string | null;
  readonly error?: ApiError;
  readonly since?: number;
}

export interface AskedSession extends Asked<Session> {
  readonly more: (() => void) | undefined;
}

const PAGE = 200;

function errorOf(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, "page", String(error));
}

/** The session with the facts of all pages that were asked for. */
export function useSession(id: string): AskedSession {
  const first = urlOf(`/api/sessions/${encodeURIComponent(id)}`, { limit: PAGE });
  const [wanted, setWanted] = useState({ url: first, page: first, turn: 0 });
  const [state, setState] = useState<State>({ url: first, since: performance.now() });
  const [controller, setController] = useState<AbortController>();
  const page = wanted.url === first ? wanted.page : first;
  useEffect(() => {
    const mine = new AbortController();
    setController(mine);
    setState((before) => ({ ...(before.url === first && page !== first ? before : { url: first }), since: performance.now() }));
    askUrl<Session>(page, mine.signal).then(
      ({ body, next }) =>
        setState((before) => {
          const facts = before.url === first && page !== first ? (before.data?.facts ?? []) : [];
          return { url: first, next, data: { ...body, facts: [...facts, ...body.facts] } };
        }),
      (error: unknown) => {
        if (mine.signal.reason === "left") return;
        const failed = mine.signal.aborted ? new ApiError(0, "cancelled", "Cancelled.") : errorOf(error);
        setState((before) => ({ url: first, error: failed, ...(before.url === first && before.data ? { data: before.data, next: before.next ?? null } : {}) }));
      },
    );
    return () => mine.abort("left");
  }, [first, page, wanted.turn]);
  const mine = state.url === first ? state : { url: first, since: performance.now() };
  const { next } = mine;
  return {
    data: mine.data,
    error: mine.error,
    since: mine.since,
    url: first,
    again: () => setWanted(({ turn }) => ({ url: first, page, turn: turn + 1 })),
    cancel: () => controller?.abort("cancelled"),
    more: next ? () => setWanted(({ turn }) => ({ url: first, page: next, turn: turn + 1 })) : undefined,
  };
}
