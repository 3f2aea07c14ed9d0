// What stands where an answer will be: that it is being waited for, that it can be called off, and why there is none.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "../api/client";
import type { Asked } from "../api/hooks";
import { Notice } from "./basic";

const PATIENCE_MS = 400;

export function Waiting({ asked }: { asked: Pick<Asked<unknown>, "since" | "cancel"> }) {
  const [now, setNow] = useState(performance.now());
  const waiting = asked.since !== undefined;
  useEffect(() => {
    if (!waiting) return;
    setNow(performance.now());
    const timer = setInterval(() => setNow(performance.now()), 200);
    return () => clearInterval(timer);
  }, [waiting]);
  if (asked.since === undefined || now - asked.since < PATIENCE_MS) return null;
  return (
    <div class="waiting" role="status">
      <span class="stripe" aria-hidden="true" />
      Asking… {((now - asked.since) / 1000).toFixed(1)} s
      <button type="button" class="quiet small" onClick={asked.cancel}>
        Cancel
      </button>
    </div>
  );
}

export function Refused({ error, again }: { error: ApiError; again?: () => void }) {
  return (
    <Notice kind={error.code === "cancelled" ? "note" : "bad"} title={titleOf(error)}>
      {error.code === "cancelled" ? null : <p>{error.message}</p>}
      <Hints error={error} />
      {again && (
        <button type="button" onClick={again}>
          Ask again
        </button>
      )}
    </Notice>
  );
}

function titleOf(error: ApiError): string {
  const titles: Readonly<Record<string, string>> = {
    cancelled: "Cancelled",
    unreachable: "otlpd cannot be reached",
    query_timeout: "This took too long",
    not_found: "There is no such thing",
    unauthorized: "A key is needed",
    forbidden: "This key may not ask",
    answer_too_large: "The answer is too large",
    bad_question: "The data cannot answer this",
    too_many_questions: "otlpd is busy with other questions",
  };
  return titles[error.code] ?? (error.status >= 500 ? "otlpd could not answer" : "otlpd did not take the question");
}

function Hints({ error }: { error: ApiError }) {
  const narrow = error.details.narrow;
  if (Array.isArray(narrow) && narrow.length > 0) return <p>What makes it cheaper: {narrow.map(String).join(", ")}.</p>;
  const suggestion = error.details.suggestion;
  return typeof suggestion === "string" ? <p>Did you mean {suggestion}?</p> : null;
}

/** The answer when there is one (the last one while the next is awaited), the refusal when there is not. */
export function Answered<T>({ asked, children, empty }: { asked: Asked<T>; children: (data: T) => ComponentChildren; empty?: ComponentChildren }) {
  const { data, error } = asked;
  const nothing = data !== undefined && Array.isArray(data) && data.length === 0 && empty !== undefined;
  return (
    <>
      <Waiting asked={asked} />
      {error && <Refused error={error} again={asked.again} />}
      {data === undefined ? null : nothing ? empty : children(data)}
    </>
  );
}
