// The API: JSON with the person's token, problems as errors, and polling that asks only for what is new.
import type { Problem as Document } from "./schemas";
import { renew, token } from "./session";

/** The API's, or one that the page makes itself, where the API could not be asked. */
export type Problem = Pick<Document, "status" | "title"> & Partial<Document>;

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

type Listener = () => void;
const ended = new Set<Listener>();

/** Calls back when the sign-in has ended and could not be renewed. */
export function onSignInEnded(listener: Listener): () => void {
  ended.add(listener);
  return () => ended.delete(listener);
}

async function ask(method: string, path: string, headers: Record<string, string>, body?: string | Blob): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const bearer = await token();
    let answer: Response | undefined;
    if (bearer) {
      const init: RequestInit = { method, headers: { ...headers, Authorization: `Bearer ${bearer}` }, cache: "no-store" };
      if (body !== undefined) init.body = body;
      try {
        answer = await fetch(path, init);
      } catch {
        throw new ProblemError({ status: 0, title: "offline" });
      }
      if (answer.status !== 401) return answer;
    }
    if (attempt === 0 && (await renew())) continue;
    ended.forEach((tell) => tell());
    throw new ProblemError({ status: 401, title: "ended" });
  }
}

async function problemOf(answer: Response): Promise<ProblemError> {
  try {
    return new ProblemError({ ...((await answer.json()) as Problem), status: answer.status });
  } catch {
    return new ProblemError({ status: answer.status, title: "unexpected" });
  }
}

export async function get<T>(path: string): Promise<T> {
  const answer = await ask("GET", path, {});
  if (!answer.ok) throw await problemOf(answer);
  return (await answer.json()) as T;
}

export async function send<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const kind = { "Content-Type": "application/json", ...headers };
  const answer = await ask(method, path, kind, body === undefined ? undefined : JSON.stringify(body));
  if (!answer.ok) throw await problemOf(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export async function upload<T>(path: string, csv: string | Blob, headers: Record<string, string> = {}): Promise<T> {
  const answer = await ask("POST", path, { "Content-Type": "text/csv", ...headers }, csv);
  if (!answer.ok) throw await problemOf(answer);
  return (await answer.json()) as T;
}

/** All parts of a download that comes in several. Only addresses of this app are followed. */
export async function download(path: string): Promise<Blob> {
  const parts: Blob[] = [];
  for (let next: string | undefined = path; next; ) {
    const answer: Response = await ask("GET", next, {});
    if (!answer.ok) throw await problemOf(answer);
    parts.push(await answer.blob());
    const link = /<(\/[^>]*)>;\s*rel="next"/.exec(answer.headers.get("Link") ?? "");
    next = link?.[1];
  }
  return new Blob(parts, { type: "text/csv" });
}

const QUICK_MS = 1000;
const SLOW_MS = 30_000;

export interface Polled {
  /** Ask now: something was done that changes the answer. */
  wake(): void;
  stop(): void;
}

/** Asks again and again, soon while something is under way and ever more seldom while nothing is; not at all while
 * nobody looks. What has not changed is not sent again. */
export function poll<T>(path: string, onData: (data: T) => void, onError: (e: unknown) => void, busy: (data: T) => boolean): Polled {
  let tag = "";
  let data: T | undefined;
  let failed = false;
  let wait = QUICK_MS;
  let timer: number | undefined;
  let stopped = false;
  let running = false;
  let again = false;

  async function look(): Promise<void> {
    if (stopped) return;
    if (running) {
      // Somebody was woken while an older question is under way: its answer may not know yet.
      again = true;
      return;
    }
    running = true;
    try {
      const answer = await ask("GET", path, tag ? { "If-None-Match": tag } : {});
      if (answer.status === 200) {
        tag = answer.headers.get("ETag") ?? "";
        data = (await answer.json()) as T;
        if (!stopped) onData(data);
      } else if (answer.status !== 304) {
        throw await problemOf(answer);
      } else if (failed && data !== undefined && !stopped) {
        // Nothing changed, but what went wrong in between is over.
        onData(data);
      }
      failed = false;
      wait = data !== undefined && busy(data) ? QUICK_MS : Math.min(wait * 2, SLOW_MS);
    } catch (e) {
      failed = true;
      wait = Math.min(wait * 2, SLOW_MS);
      if (!stopped) onError(e);
    } finally {
      running = false;
    }
    plan(again ? 0 : wait);
    again = false;
  }
  function plan(ms: number): void {
    clearTimeout(timer);
    if (!stopped && !document.hidden) timer = setTimeout(look, ms) as unknown as number;
  }
  const seen = () => plan(0);
  document.addEventListener("visibilitychange", seen);
  void look();
  return {
    wake() {
      wait = QUICK_MS;
      plan(0);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
    },
  };
}

/** A key that makes a repeated request the same one. */
export function newKey(): string {
  return crypto.randomUUID();
}
