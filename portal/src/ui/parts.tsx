// Small parts that every page is made of.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ProblemError } from "../api";
import { t, word, type Key } from "../i18n";

/** Says something to a screen reader when it is convenient, and shows it for a while to everybody. */
const said = new EventTarget();
export function announce(text: string): void {
  said.dispatchEvent(new CustomEvent("say", { detail: text }));
}

export function Announcements() {
  const [text, setText] = useState("");
  useEffect(() => {
    const hear = (event: Event) => setText((event as CustomEvent<string>).detail);
    said.addEventListener("say", hear);
    return () => said.removeEventListener("say", hear);
  }, []);
  return (
    <div class={text ? "toast" : "toast empty"} role="status" aria-live="polite">
      {text}
      {text && (
        <button type="button" class="plain" onClick={() => setText("")} aria-label={t("close")}>
          ×
        </button>
      )}
    </div>
  );
}

/** What went wrong, why, and what mends it; never raw data. */
export function Problem({ error }: { error: unknown }) {
  if (!error) return null;
  const { title, detail, remedy } = wordsOf(error);
  return (
    <div class="problem" role="alert">
      <p class="problem-title">{title}</p>
      {detail && detail !== title && <p>{detail}</p>}
      {remedy && <p>{remedy}</p>}
    </div>
  );
}

export function wordsOf(error: unknown): { title: string; detail?: string; remedy?: string; field?: string } {
  if (error instanceof ProblemError) {
    const { title, detail, remedy, field } = error.problem;
    const known = (["offline", "ended", "unexpected"] as string[]).includes(title);
    if (known) return { title: t(`problem.${title}` as Key), remedy: t(`problem.${title}.remedy` as Key) };
    return { title, ...(detail ? { detail } : {}), ...(remedy ? { remedy } : {}), ...(field ? { field } : {}) };
  }
  return { title: t("problem.unexpected"), remedy: t("problem.unexpected.remedy") };
}

export function Busy({ text }: { text?: string }) {
  return (
    <p class="busy" role="status">
      {text ?? t("loading")}
    </p>
  );
}

interface FieldProps {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  children: (ids: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean | undefined }) => ComponentChildren;
}

/** A label, a hint and what is wrong, tied to the control. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="wrong" id={`${id}-error`}>
          {error}
        </p>
      )}
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": error ? true : undefined })}
    </div>
  );
}

const SHAPES: Record<string, string> = { good: "✓", bad: "✕", wait: "…", calm: "○" };
const TONES: Record<string, keyof typeof SHAPES> = {
  member: "good", mailed: "good", accepted: "good", approved: "good", done: "good", ok: "good", ready: "wait",
  failed: "bad", missing: "bad", wrong: "bad", declined: "bad",
  undone: "calm", expired: "calm", cancelled: "calm", unknown: "calm", waiting: "calm", attention: "bad",
};

/** A state as a word and a shape: never by colour alone. */
export function State({ kind, value }: { kind: string; value: string }) {
  const tone = kind === "invitation" && value === "accepted" ? "wait" : (TONES[value] ?? "wait");
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true">{SHAPES[tone]}</span> {word(kind, value)}
    </span>
  );
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      announce(t("copied"));
    } catch {
      // The browser does not let us: show it, to be copied by hand.
      announce(text);
    }
  };
  return (
    <button type="button" class="quiet" onClick={copy}>
      {label}
    </button>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  side?: boolean;
}

/** The browser's own modal dialog: it keeps the focus in, gives it back, and closes on Escape. */
export function Dialog({ title, onClose, children, side }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    return () => {
      element?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class={side ? "drawer" : "small"} aria-labelledby={id} onCancel={(e: Event) => { e.preventDefault(); onClose(); }}>
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" class="plain" onClick={onClose} aria-label={t("close")}>
          ×
        </button>
      </header>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  act: string;
  onYes: () => Promise<void>;
  onClose: () => void;
}

export function Confirm({ title, text, act, onYes, onClose }: ConfirmProps) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const yes = async () => {
    setBusy(true);
    try {
      await onYes();
      onClose();
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <Problem error={error} />
      <div class="actions">
        <button type="button" onClick={yes} disabled={busy}>
          {act}
        </button>
        <button type="button" class="quiet" onClick={onClose}>
          {t("cancel")}
        </button>
      </div>
    </Dialog>
  );
}

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
}

interface TableProps<T> {
  caption: string;
  columns: Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  empty: string;
}

/** A table with a caption; on a phone each row is a card whose cells say what they are. */
export function DataTable<T>({ caption, columns, rows, keyOf, empty }: TableProps<T>) {
  if (rows.length === 0) return <p class="hint">{empty}</p>;
  return (
    <table>
      <caption class="unseen">{caption}</caption>
      <thead>
        <tr>
          {columns.map((c) => (
            <th scope="col" key={c.head}>
              {c.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map((c, n) => {
              return n === 0 ? (
                <th key={c.head} scope="row" data-head={c.head}>
                  {c.cell(row)}
                </th>
              ) : (
                <td key={c.head} data-head={c.head}>
                  {c.cell(row)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What is loaded for a page, again when one of the values changes. */
export function useLoaded<T>(load: () => Promise<T>, values: unknown[]): { data: T | undefined; error: unknown; again: () => void; set: (data: T) => void } {
  const [data, setData] = useState<T>();
  const [error, setError] = useState<unknown>();
  const [count, setCount] = useState(0);
  useEffect(() => {
    let here = true;
    load().then(
      (found) => here && (setData(found), setError(undefined)),
      (e: unknown) => here && setError(e),
    );
    return () => {
      here = false;
    };
  }, [...values, count]);
  return { data, error, again: () => setCount((n) => n + 1), set: setData };
}

/** What a person typed, kept for this tab until it was sent: a sign-in that ends in between loses nothing. */
export function useDraft<T extends object>(key: string, empty: T): [T, (change: Partial<T>) => void, () => void] {
  const name = `draft-${key}`;
  const [draft, setDraft] = useState<T>(() => {
    try {
      return { ...empty, ...(JSON.parse(sessionStorage.getItem(name) ?? "{}") as Partial<T>) };
    } catch {
      return empty;
    }
  });
  const change = (values: Partial<T>) =>
    setDraft((before) => {
      const next = { ...before, ...values };
      sessionStorage.setItem(name, JSON.stringify(next));
      return next;
    });
  const forget = () => {
    sessionStorage.removeItem(name);
    setDraft(empty);
  };
  return [draft, change, forget];
}

/** Whether a draft was being written when the page was left. */
export function isBeingWritten(key: string): boolean {
  try {
    return (JSON.parse(sessionStorage.getItem(`draft-${key}`) ?? "{}") as { open?: boolean }).open === true;
  } catch {
    return false;
  }
}
