// What was said: pieces of content as messages, the system's and the tools' folded away.

import type { Schemas } from "../api/client";
import { count, plural } from "../format";
import { Json, parse, Value } from "../parts/values";

export type Content = Schemas["Content"];

const FOLDED: Readonly<Record<string, string>> = { system: "System prompt", tools: "Tools it may use", documents: "Documents" };
const NAMES: Readonly<Record<string, string>> = { input: "Input", output: "Answer", arguments: "Arguments", result: "Result", query: "Query" };

function titleOf(part: Content): string {
  const who = part.role ?? NAMES[part.direction] ?? part.direction;
  const what: Readonly<Record<string, string>> = { reasoning: "thinks", tool_call: `asks for ${part.name ?? "a tool"}`, tool_result: `result ${part.name ?? ""}`, media: "media", reference: "reference" };
  return `${who} ${what[part.kind] ?? ""}`.trim();
}

export function Said({ part, titled = true }: { part: Content; titled?: boolean }) {
  const parsed = part.kind === "text" || part.kind === "reasoning" ? undefined : parse(part.text);
  const text = typeof parsed === "object" && parsed !== null ? <Json value={parsed} /> : <Value value={part.text} />;
  const folded = FOLDED[part.direction] ?? (part.role === "system" ? FOLDED.system : undefined);
  const body = (
    <>
      {part.text === "" ? <span class="faint">empty</span> : text}
      {part.is_cut && <p class="left-out">Cut by otlpd: {count(part.text.length)} of {count(part.size)} characters are kept.</p>}
    </>
  );
  if (folded !== undefined) {
    return (
      <details class="piece folded">
        <summary>
          {folded} <span class="faint">{count(part.size)} characters</span>
        </summary>
        {body}
      </details>
    );
  }
  return (
    <div class={`piece ${part.kind} ${part.role ?? part.direction}`}>
      {titled && <span class="speaker">{titleOf(part)}</span>}
      {body}
    </div>
  );
}

/** What a call was given before what was said in it. */
const FIRST = ["system", "tools"];

export function SaidAll({ parts }: { parts: readonly Content[] }) {
  const given = parts.filter(({ direction }) => FIRST.includes(direction));
  return (
    <>
      {[...given, ...parts.filter((part) => !given.includes(part))].map((part) => (
        <Said key={`${part.direction} ${part.message} ${part.part}`} part={part} />
      ))}
    </>
  );
}

/** What went in before already, as each model call repeats all that was said. */
export function Repeated({ parts }: { parts: readonly Content[] }) {
  if (parts.length === 0) return null;
  return (
    <details class="piece folded">
      <summary>{plural(parts.length, "earlier piece")} sent again</summary>
      <SaidAll parts={parts} />
    </details>
  );
}
