// A session in pages: useList cannot ask for it, as its facts stand inside one object.

import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiError, askUrl, type Schemas, urlOf } from "../api/client";
import type { Asked } from "../api/hooks";

type Session = Schemas["SessionDetail"];
interface Part {
  readonly url: string;
  readonly next: string | null;
  readonly facts: Session["facts"];
}

interface State {
  readonly url: string;
  /** The newest answer, without its facts. */
  readonly session?: Session;
  readonly parts?: readonly Part[];
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

/** The session with the facts of all pages that were asked for. A tick asks the last of them again, as that is where it goes on. */
export function useSession(id: string, tick = 0): AskedSession {
  const first = urlOf(`/api/sessions/${encodeURIComponent(id)}`, { limit: PAGE });
  const [wanted, setWanted] = useState({ of: first, page: first, turn: 0 });
  const [state, setState] = useState<State>({ url: first, since: performance.now() });
  const [controller, setController] = useState<AbortController>();
  const page = wanted.of === first ? wanted.page : first;
  useEffect(() => {
    const mine = new AbortController();
    setController(mine);
    setState((before) => ({ ...(before.url === first ? withoutError(before) : { url: first }), since: performance.now() }));
    askUrl<Session>(page, mine.signal).then(
      ({ body, next }) =>
        setState((before) => {
          const kept = before.url === first ? (before.parts ?? []).filter((part) => part.url !== page) : [];
          return { url: first, session: body, parts: [...kept, { url: page, next, facts: body.facts }] };
        }),
      (error: unknown) => {
        if (mine.signal.reason === "left") return;
        const failed = mine.signal.aborted ? new ApiError(0, "cancelled", "Cancelled.") : errorOf(error);
        setState(({ since: _since, ...before }) => ({ ...before, error: failed }));
      },
    );
    return () => mine.abort("left");
  }, [first, page, wanted.turn, tick]);
  const mine: State = state.url === first ? state : { url: first, since: performance.now() };
  const { session, parts } = mine;
  const data = useMemo(() => session && parts && { ...session, facts: parts.flatMap(({ facts }) => facts) }, [session, parts]);
  const next = parts?.at(-1)?.next;
  return {
    data,
    error: mine.error,
    since: mine.since,
    url: first,
    again: () => setWanted(({ turn }) => ({ of: first, page, turn: turn + 1 })),
    cancel: () => controller?.abort("cancelled"),
    more: next ? () => setWanted(({ turn }) => ({ of: first, page: next, turn: turn + 1 })) : undefined,
  };
}

function withoutError({ error: _error, ...state }: State): State {
  return state;
}
