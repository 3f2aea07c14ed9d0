// Asks the API. Paths, parameters and answers are those of the OpenAPI document: src/api/schema.d.ts is made from it.

import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
/** The paths that are asked as they stand. */
export type Path = { [P in keyof paths]: paths[P] extends { get: { parameters: { path: object } } } ? never : P }[keyof paths];
export type Answer<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;
type Query<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? NonNullable<Q> : object;
/** What a path may be asked: its parameters, and filters on attributes. */
export type Question<P extends keyof paths> = {
  readonly [K in Exclude<keyof Query<P>, "attributes">]?: Query<P>[K] | string | undefined;
} & Readonly<Record<`attr.${string}`, string | undefined>>;
export type AnyQuestion = Readonly<Record<string, string | number | readonly string[] | boolean | undefined>>;

const KEY = "otlpd.key";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

/** The key lives as long as the tab, and travels in a header only. */
export const key = {
  get: (): string | null => sessionStorage.getItem(KEY),
  set: (value: string): void => sessionStorage.setItem(KEY, value),
  forget: (): void => sessionStorage.removeItem(KEY),
};

const wantsKey = new Set<() => void>();
/** Calls back when the API has refused for want of a key that it knows. */
export function onKeyWanted(listener: () => void): () => void {
  wantsKey.add(listener);
  return () => wantsKey.delete(listener);
}

export function urlOf(path: string, question: AnyQuestion = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(question)) {
    if (value !== undefined && value !== "") query.append(name, String(value));
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

export function curlOf(url: string): string {
  const header = key.get() === null ? "" : ' -H "Authorization: Bearer $OTLPD_API_KEY"';
  return `curl${header} '${new URL(url, location.href).href.replaceAll("'", "%27")}'`;
}

export async function request(url: string, signal?: AbortSignal, accept = "application/json"): Promise<Response> {
  const secret = key.get();
  const headers: Record<string, string> = secret === null ? { Accept: accept } : { Accept: accept, Authorization: `Bearer ${secret}` };
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: signal ?? null, cache: "no-store" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "otlpd does not answer. Is it still running? This page asks again when you do.");
  }
  if (response.ok) return response;
  throw await refusal(response);
}

async function refusal(response: Response): Promise<ApiError> {
  if (response.status === 401) for (const listener of wantsKey) listener();
  try {
    const { error } = (await response.json()) as Schemas["Error"];
    return new ApiError(response.status, error.code, error.message, error.details);
  } catch {
    return new ApiError(response.status, "unknown", `otlpd answered ${response.status} ${response.statusText}`);
  }
}

export interface Page<T> {
  readonly body: T;
  /** Where the list goes on, as the API says. */
  readonly next: string | null;
}

export async function askUrl<T>(url: string, signal?: AbortSignal): Promise<Page<T>> {
  const response = await request(url, signal);
  const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
  return { body: (await response.json()) as T, next: next?.[1] ?? null };
}

export async function ask<P extends Path>(path: P, question: Question<P>, signal?: AbortSignal): Promise<Answer<P>> {
  return (await askUrl<Answer<P>>(urlOf(path, question as AnyQuestion), signal)).body;
}
