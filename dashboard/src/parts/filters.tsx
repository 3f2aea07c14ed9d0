// Filters of a list, all of them in the address: text, attributes as chips, and fields of the view's own.

import type { ComponentChildren } from "preact";
import { useId, useRef } from "preact/hooks";
import { change, useAddress } from "../routing";

const ATTRIBUTE = "attr.";
type AttributeFilters = Readonly<Record<`attr.${string}`, string>>;

/** The filters on attributes that the address holds, as the API takes them. */
export function attributeFilters(params: URLSearchParams): AttributeFilters {
  return Object.fromEntries([...params].filter(([name]) => name.startsWith(ATTRIBUTE))) as AttributeFilters;
}

/** Text to search for; `key=value` becomes a filter on that attribute. */
export function Search({ label, hint }: { label: string; hint: string }) {
  const { params } = useAddress();
  const input = useRef<HTMLInputElement>(null);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const text = input.current?.value.trim() ?? "";
    const attribute = /^([\w.\-/]+)\s*=\s*(.+)$/.exec(text);
    if (attribute?.[1] && attribute[2]) {
      change({ [`${ATTRIBUTE}${attribute[1]}`]: attribute[2].replace(/^"(.*)"$/, "$1"), q: null });
      if (input.current) input.current.value = "";
    } else change({ q: text || null });
  };
  const shown = params.get("q") ?? "";
  return (
    <form class="search" role="search" onSubmit={submit}>
      <input
        key={shown}
        ref={input}
        data-search
        type="search"
        aria-label={label}
        placeholder={hint}
        defaultValue={shown}
        onInput={(event) => event.currentTarget.value === "" && shown !== "" && change({ q: null })}
      />
    </form>
  );
}

export function Chips() {
  const { params } = useAddress();
  const found = Object.entries(attributeFilters(params));
  if (found.length === 0) return null;
  return (
    <div class="chips">
      {found.map(([name, value]) => (
        <span class="chip" key={name}>
          <span>
            {name.slice(ATTRIBUTE.length)} = {value}
          </span>
          <button type="button" aria-label={`Remove the filter on ${name.slice(ATTRIBUTE.length)}`} onClick={() => change({ [name]: null })}>
            ✕
          </button>
        </span>
      ))}
    </div>
  );
}

export function Choice({ name, label, options, any }: { name: string; label: string; options: readonly (readonly [string, string] | string)[]; any: string }) {
  const { params } = useAddress();
  const value = params.get(name) ?? "";
  const known = options.map((option) => (typeof option === "string" ? ([option, option] as const) : option));
  const missing = value !== "" && !known.some(([one]) => one === value);
  return (
    <select aria-label={label} value={value} onChange={(event) => change({ [name]: event.currentTarget.value || null })}>
      <option value="">{any}</option>
      {missing && <option value={value}>{value}</option>}
      {known.map(([one, text]) => (
        <option key={one} value={one}>
          {text}
        </option>
      ))}
    </select>
  );
}

/** A field with what is known to choose from. It counts when it is left, or at Enter. */
export function Field({ name, label, options = [], size = 16, numeric = false, onFocus }: { name: string; label: string; options?: readonly string[]; size?: number; numeric?: boolean; onFocus?: () => void }) {
  const { params } = useAddress();
  const list = useId();
  const value = params.get(name) ?? "";
  return (
    <>
      <input
        key={value}
        aria-label={label}
        placeholder={label}
        size={size}
        defaultValue={value}
        list={options.length ? list : undefined}
        inputMode={numeric ? "decimal" : undefined}
        onFocus={onFocus}
        onChange={(event) => change({ [name]: event.currentTarget.value.trim() || null })}
      />
      {options.length > 0 && (
        <datalist id={list}>
          {options.map((option) => (
            <option key={option} value={option} />
          ))}
        </datalist>
      )}
    </>
  );
}

export function Filters({ children }: { children: ComponentChildren }) {
  return <div class="filters">{children}</div>;
}
