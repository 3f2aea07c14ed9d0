// Addresses of views: what stands behind the # of the address, so that the daemon sees none of it and a reload finds it again.

import { useEffect, useState } from "preact/hooks";

export interface Address {
  readonly path: readonly string[];
  readonly params: URLSearchParams;
}

export type Params = Readonly<Record<string, string | number | boolean | null | undefined>>;

export function readAddress(hash = location.hash): Address {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decode), params: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a % that somebody typed
  }
}

/** The link to a view; parameters that are null, undefined or "" are left out. */
export function link(path: string | readonly string[], params: Params = {}): string {
  const parts = typeof path === "string" ? [path] : path;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== null && value !== undefined && value !== "") query.append(name, String(value));
  }
  const text = query.toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

export function go(hash: string, replace = false): void {
  if (hash === location.hash) return;
  if (replace) {
    history.replaceState(history.state, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = hash;
  }
}

/** Changes some parameters of the address that is shown, and leaves the rest as it is. */
export function change(params: Params, replace = false): void {
  const { path, params: before } = readAddress();
  go(link(path, { ...Object.fromEntries(before), ...params }), replace);
}

export function useAddress(): Address {
  const [address, setAddress] = useState(readAddress);
  useEffect(() => {
    const read = () => setAddress(readAddress());
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  return address;
}
