// Attributes and bodies as people read them: conversations as messages, JSON as a tree, long text folded, short text as it is.

import { Fragment } from "preact";
import { useState } from "preact/hooks";
import { Copy } from "./basic";

const LONG = 400;
const LEAVES_SHOWN = 100;

export function Value({ value }: { value: unknown }) {
  if (value === null) return <span class="faint">empty</span>;
  if (typeof value === "string") return <Text text={value} />;
  if (typeof value === "object") return <Json value={value} />;
  return <code>{String(value)}</code>;
}

function Text({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  const parsed = parse(text);
  if (parsed !== undefined) return <Json value={parsed} />;
  if (text.length <= LONG) return <span class="pre">{text}</span>;
  return (
    <span class="pre">
      {open ? text : `${text.slice(0, LONG)}…`}{" "}
      <button type="button" class="link" onClick={() => setOpen(!open)}>
        {open ? "less" : `all ${text.length.toLocaleString("en")} characters`}
      </button>
    </span>
  );
}

/** JSON that travels as text, as many libraries send it. */
export function parse(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function Json({ value, name, open = true }: { value: unknown; name?: string; open?: boolean }) {
  const label = name === undefined ? null : <span class="key">{name}: </span>;
  if (value === null || typeof value !== "object") {
    return (
      <span class="leaf">
        {label}
        <Leaf value={value} />
      </span>
    );
  }
  const entries = Object.entries(value);
  const brackets = Array.isArray(value) ? "[]" : "{}";
  if (entries.length === 0) return <span class="leaf">{label}<code>{brackets}</code></span>;
  return (
    <details class="json" open={open}>
      <summary>
        {label}
        <code class="faint">{brackets[0]} {entries.length} {brackets[1]}</code>
      </summary>
      {entries.slice(0, LEAVES_SHOWN).map(([key, one]) => (
        <Json key={key} name={key} value={one} open={JSON.stringify(one).length < 2000} />
      ))}
      {entries.length > LEAVES_SHOWN && <span class="faint">and {entries.length - LEAVES_SHOWN} more</span>}
    </details>
  );
}

function Leaf({ value }: { value: unknown }) {
  if (typeof value !== "string") return <code class="literal">{String(value)}</code>;
  const parsed = parse(value);
  return parsed === undefined ? <Text text={value} /> : <Json value={parsed} />;
}

/** A line ends behind a dot or underscore of a name, rather than in the middle of a word. */
function breakable(key: string) {
  return key.split(/(?<=[._])/).map((part, place) => (
    <Fragment key={place}>
      {place > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

export function Attributes({ attributes, onFilter }: { attributes: Readonly<Record<string, unknown>>; onFilter?: (key: string, value: string) => string }) {
  const entries = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return <p class="faint">None.</p>;
  return (
    <dl class="attributes">
      {entries.map(([key, value]) => (
        <div key={key}>
          <dt>{breakable(key)}</dt>
          <dd>
            <Value value={value} />
            <span class="actions">
              {onFilter && value !== null && typeof value !== "object" && (
                <a class="small" href={onFilter(key, String(value))} title={`Everything with ${key} = ${String(value)}`} aria-label={`Everything with ${key} = ${String(value)}`}>
                  ⌕
                </a>
              )}
              <Copy text={typeof value === "string" ? value : JSON.stringify(value, null, 1)} label="⧉" title={`Copy the value of ${key}`} />
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}
