// The small parts that every view is made of.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { curlOf } from "../api/client";
import { ago, percent, time } from "../format";

export function Copy({ text, label = "Copy", title }: { text: string | (() => string); label?: string; title?: string }) {
  const [done, setDone] = useState<string>();
  useEffect(() => {
    if (done === undefined) return;
    const timer = setTimeout(() => setDone(undefined), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = () => {
    void copyText(typeof text === "string" ? text : text()).then((worked) => setDone(worked ? "Copied" : "Not allowed"));
  };
  return (
    <button type="button" class="quiet small" title={title} aria-label={label.length < 3 ? title : undefined} onClick={copy}>
      <span aria-live="polite">{done ?? label}</span>
    </button>
  );
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages that do not come from this machine over TLS have no clipboard; the old way still works there.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const worked = document.execCommand("copy");
    area.remove();
    return worked;
  }
}

/** `what` tells several beside each other apart. */
export function Curl({ url, what }: { url: string | undefined; what?: string }) {
  return url === undefined ? null : <Copy text={() => curlOf(url)} label={what === undefined ? "Copy as curl" : `Copy as curl: ${what}`} title={`GET ${url}`} />;
}

/** One of twelve colours, always the same for the same name. */
export function hueOf(name: string): number {
  let hash = 2166136261;
  for (let place = 0; place < name.length; place += 1) hash = Math.imul(hash ^ name.charCodeAt(place), 16777619);
  return (hash >>> 0) % 12;
}

export function ServiceName({ name }: { name: string | null }) {
  if (name === null) return <span class="faint">no service name</span>;
  return (
    <span class="service">
      <i class={`dot hue-${hueOf(name)}`} aria-hidden="true" />
      {name}
    </span>
  );
}

/** A failure is a sign, a word and a colour. */
export function Failures({ number, of }: { number: number; of?: number }) {
  if (number === 0) return <span class="faint">0</span>;
  return (
    <span class="bad" title={of === undefined ? undefined : `${number} of ${of}`}>
      <span aria-hidden="true">▲ </span>
      {of === undefined ? number : percent(number / of)}
    </span>
  );
}

export function Status({ code }: { code: string }) {
  if (code === "error") return <span class="badge bad">▲ error</span>;
  return <span class="badge">{code}</span>;
}

export function When({ at, relative = false }: { at: string | null; relative?: boolean }) {
  if (at === null) return <span class="faint">–</span>;
  return (
    <time dateTime={at} title={at}>
      {relative ? ago(at) : time(at)}
    </time>
  );
}

export function Notice({ title, children, kind = "note" }: { title?: string; children?: ComponentChildren; kind?: "note" | "bad" | "warn" }) {
  return (
    <div class={`notice ${kind}`} role={kind === "bad" ? "alert" : "note"}>
      {title && <strong>{title}</strong>}
      <div>{children}</div>
    </div>
  );
}

export function Bar({ part, kind = "" }: { part: number; kind?: string }) {
  return (
    <span class="bar" aria-hidden="true">
      <span class={kind} style={{ width: `${Math.min(100, Math.max(0, part * 100))}%` }} />
    </span>
  );
}

export function Head({ title, children, tools }: { title: ComponentChildren; children?: ComponentChildren; tools?: ComponentChildren }) {
  return (
    <header class="head">
      <h1 tabIndex={-1}>{title}</h1>
      {children}
      <div class="tools">{tools}</div>
    </header>
  );
}

export function Panel({ title, children, tools, wide = false }: { title?: ComponentChildren; children: ComponentChildren; tools?: ComponentChildren; wide?: boolean }) {
  return (
    <section class={wide ? "panel wide" : "panel"}>
      {(title || tools) && (
        <div class="panel-head">
          <h2>{title}</h2>
          <div class="tools">{tools}</div>
        </div>
      )}
      {children}
    </section>
  );
}

export function Figure({ label, value, note, href }: { label: string; value: ComponentChildren; note?: ComponentChildren; href?: string }) {
  const content = (
    <>
      <span class="label">{label}</span>
      <span class="value">{value}</span>
      <span class="note">{note}</span>
    </>
  );
  return href ? (
    <a class="figure" href={href}>
      {content}
    </a>
  ) : (
    <div class="figure">{content}</div>
  );
}

export function Tabs<T extends string>({ tabs, chosen, onChoose, label }: { tabs: readonly (readonly [T, ComponentChildren])[]; chosen: T; onChoose: (tab: T) => void; label: string }) {
  return (
    <div class="tabs" role="group" aria-label={label}>
      {tabs.map(([name, text]) => (
        <button type="button" key={name} aria-pressed={name === chosen} onClick={() => onChoose(name)}>
          {text}
        </button>
      ))}
    </div>
  );
}
