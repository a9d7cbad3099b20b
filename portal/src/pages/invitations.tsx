// The drawer that invites: one address typed, a list pasted, or a file; a message if wanted.
import { useEffect, useRef, useState } from "preact/hooks";
import { newKey, send, upload } from "../api";
import { span, t, word } from "../i18n";
import { looksLikeAddress, parseRecipients, type Recipient } from "../model/addresses";
import { toCsv, type Common } from "../model/csv";
import { go } from "../router";
import type { Group, Import, ImportPreview } from "../schemas";
import { announce, Busy, Dialog, Field, Problem, useDraft, wordsOf } from "../ui/parts";

interface Draft {
  typed: string;
  rows: Recipient[];
  message: string;
  language: string;
  expires: string;
  key: string;
  open: boolean;
}

const EMPTY: Draft = { typed: "", rows: [], message: "", language: "", expires: "", key: "", open: false };
const LANGUAGES = ["en", "de"];

interface InviteProps {
  group: Group;
  onClose: () => void;
  onSent: () => void;
}

export function Invite({ group, onClose, onSent }: InviteProps) {
  const [draft, change, forget] = useDraft(`invite-${group.id}`, EMPTY);
  const [file, setFile] = useState<File>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const key = useRef(draft.key || newKey());
  const path = `/api/groups/${group.id}`;

  /** What is changed is another request: only a repeat of the same one carries the same key. */
  const edit = (values: Partial<Draft>) => {
    key.current = newKey();
    setError(undefined);
    change({ ...values, key: key.current, open: true });
  };
  /** What was typed stays for the next time; only a sign-in that ends in between opens the drawer by itself. */
  const close = () => {
    if (draft.open) change({ open: false });
    onClose();
  };
  const typed = parseRecipients(draft.typed);
  const guests = [...draft.rows, ...typed.filter((r) => !draft.rows.some((d) => same(d, r)))];
  const usable = guests.filter((g) => looksLikeAddress(g.address));
  const bad = guests.filter((g) => !looksLikeAddress(g.address));

  /** More than one is a list to be looked at. */
  const gather = (text: string) => {
    const found = parseRecipients(text);
    // Leaving the field changes nothing: a repeat must stay the same request.
    if (found.length === 0) return;
    if (found.length + draft.rows.length < 2) text !== draft.typed && edit({ typed: text });
    else edit({ typed: "", rows: [...draft.rows, ...found.filter((r) => !draft.rows.some((d) => same(d, r)))] });
  };
  const paste = (event: ClipboardEvent) => {
    const text = event.clipboardData?.getData("text") ?? "";
    if (parseRecipients(text).length < 2) return;
    event.preventDefault();
    gather(`${draft.typed}\n${text}`);
  };
  const done = (said: string) => {
    announce(said);
    onSent();
  };
  const add = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    const headers = { "Idempotency-Key": key.current };
    try {
      if (guests.length === 1 && guests[0]) {
        await send("POST", `${path}/invitations`, oneBody(guests[0], draft), headers);
        forget();
        onClose();
        done(t("invite.sent", { guest: guests[0].address }));
      } else {
        const csv = toCsv(usable, common(draft));
        await upload(`${path}/imports?name=${encodeURIComponent("portal.csv")}`, csv, headers);
        if (bad.length > 0) {
          key.current = newKey();
          change({ typed: "", rows: bad, key: key.current });
          setError(undefined);
        } else {
          forget();
          onClose();
        }
        done(bad.length > 0 ? t("invite.sentSome", { count: usable.length, left: bad.length }) : t("invite.sentMany", { count: usable.length }));
      }
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  const wrong = error ? wordsOf(error) : undefined;
  const at = (field: string) => (wrong?.field === field ? (wrong.detail ?? wrong.title) : undefined);
  const isElsewhere = wrong && !["address", "welcomeMessage", "language", "expires"].includes(wrong.field ?? "");
  return (
    <Dialog title={t("invite.title", { group: group.name })} onClose={close} side>
      {file ? (
        <FromFile group={group} file={file} onBack={() => setFile(undefined)} />
      ) : (
        <form onSubmit={add} noValidate>
          {isElsewhere && <Problem error={error} />}
          <Field label={draft.rows.length > 0 ? t("invite.moreAddresses") : t("invite.addresses")} hint={t("invite.addressesHint")} error={at("address")}>
            {(ids) => (
              <textarea
                rows={draft.rows.length > 0 ? 1 : 2}
                value={draft.typed}
                autoFocus
                spellcheck={false}
                onInput={(e) => edit({ typed: (e.target as HTMLTextAreaElement).value })}
                onPaste={paste}
                onBlur={() => gather(draft.typed)}
                {...ids}
              />
            )}
          </Field>
          <FilePicker onFile={setFile} />
          {draft.rows.length > 0 && <Rows group={group} rows={draft.rows} onChange={(rows) => edit({ rows })} />}
          <details open={draft.message !== ""}>
            <summary>{t("invite.options")}</summary>
            <Message group={group} draft={draft} edit={edit} error={at("welcomeMessage")} to={guests[0]} />
            <Field label={t("invite.language")} error={at("language")}>
              {(ids) => (
                <select value={draft.language} onChange={(e) => edit({ language: (e.target as HTMLSelectElement).value })} {...ids}>
                  <option value="">{t("invite.languageAny")}</option>
                  {LANGUAGES.map((code) => (
                    <option key={code} value={code}>
                      {word("languageName", code)}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label={t("guest.expires")} hint={t("invite.expiresHint")} error={at("expires")}>
              {(ids) => <input type="date" value={draft.expires} onInput={(e) => edit({ expires: (e.target as HTMLInputElement).value })} {...ids} />}
            </Field>
          </details>
          <div class="actions sticky">
            {/* The field keeps the focus until the click is done: a list that appears then would move the button. */}
            <button type="submit" class="main" onMouseDown={(e) => e.preventDefault()} disabled={busy || (guests.length === 1 ? false : usable.length === 0)}>
              {guests.length > 1 ? t("invite.addMany", { count: usable.length }) : t("invite.add")}
            </button>
            <button
              type="button"
              class="quiet"
              onClick={() => {
                forget();
                onClose();
              }}
            >
              {t("cancel")}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

const same = (a: Recipient, b: Recipient): boolean => a.address.toLowerCase() === b.address.toLowerCase();

function oneBody(guest: Recipient, draft: Draft): Record<string, string> {
  const body: Record<string, string> = { address: guest.address };
  if (guest.name) body.displayName = guest.name;
  if (draft.message.trim()) body.welcomeMessage = draft.message;
  if (draft.language) body.language = draft.language;
  if (draft.expires) body.expires = draft.expires;
  return body;
}

const common = (draft: Draft): Common => ({ message: draft.message.trim(), language: draft.language, expires: draft.expires });

interface MessageProps {
  group: Group;
  draft: Draft;
  edit: (values: Partial<Draft>) => void;
  error: string | undefined;
  to: Recipient | undefined;
}

function Message({ group, draft, edit, error, to }: MessageProps) {
  const [mail, setMail] = useState<{ subject: string; text: string }>();
  const [failed, setFailed] = useState<unknown>();
  useEffect(() => setMail(undefined), [draft.message]);
  const look = async () => {
    const body: Record<string, string> = { welcomeMessage: draft.message };
    if (to && looksLikeAddress(to.address)) body.address = to.address;
    if (to?.name) body.displayName = to.name;
    if (draft.language) body.language = draft.language;
    try {
      setMail(await send("POST", `/api/groups/${group.id}/mail-preview`, body));
      setFailed(undefined);
    } catch (e) {
      setFailed(e);
    }
  };
  if (!group.sendsOwnMail) return <p class="hint">{t("invite.noSender")}</p>;
  return (
    <>
      {group.templates.length > 0 && (
        <Field label={t("invite.template")}>
          {(ids) => (
            <select value="" onChange={(e) => edit({ message: group.templates[Number((e.target as HTMLSelectElement).value)]?.text ?? draft.message })} {...ids}>
              <option value="">{t("invite.templateNone")}</option>
              {group.templates.map((template, n) => (
                <option key={template.name} value={n}>
                  {template.name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      <Field label={t("invite.message")} hint={t("invite.messageHint")} error={error}>
        {(ids) => <textarea rows={5} maxLength={group.messageLimit} value={draft.message} onInput={(e) => edit({ message: (e.target as HTMLTextAreaElement).value })} {...ids} />}
      </Field>
      <button type="button" class="quiet" onClick={() => void look()} disabled={!draft.message.trim()}>
        {t("invite.preview")}
      </button>
      <Problem error={failed} />
      {mail && (
        <section class="mail" aria-label={t("invite.previewOf")}>
          <p class="name">{mail.subject}</p>
          {mail.text.split("\n").map((line, n) => (
            <p key={n}>{line}</p>
          ))}
        </section>
      )}
    </>
  );
}

/** A list to be checked and corrected before anything is sent, with what the directory knows of each. */
function Rows({ group, rows, onChange }: { group: Group; rows: Recipient[]; onChange: (rows: Recipient[]) => void }) {
  const [preview, setPreview] = useState<ImportPreview>();
  const good = rows.filter((r) => looksLikeAddress(r.address));
  const asked = JSON.stringify(good.map((r) => r.address));
  useEffect(() => {
    let here = true;
    const timer = setTimeout(() => {
      if (good.length === 0) return;
      upload<ImportPreview>(`/api/groups/${group.id}/imports?dryRun=true&name=portal.csv`, toCsv(good)).then(
        (found) => here && setPreview(found),
        () => here && setPreview(undefined),
      );
    }, 600);
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [asked]);
  const said = new Map<string, string>();
  for (const [outcome, examples] of Object.entries(preview?.first ?? {}))
    for (const example of examples) said.set(example.address.toLowerCase(), outcome === "invalid" || outcome === "blocked" ? example.what : word("outcome", outcome));
  const set = (n: number, values: Partial<Recipient>) => onChange(rows.map((r, i) => (i === n ? { ...r, ...values } : r)));
  const bad = rows.length - good.length;
  return (
    <section aria-label={t("invite.list")}>
      <p role="status">
        {t("invite.counted", { count: good.length })} {bad > 0 && <strong>{t("invite.countedBad", { count: bad })}</strong>} {preview && <Counts preview={preview} />}
      </p>
      <table>
        <caption class="unseen">{t("invite.list")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("invite.address")}</th>
            <th scope="col">{t("invite.name")}</th>
            <th scope="col">{t("invite.known")}</th>
            <th scope="col">{t("actions")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, n) => {
            const isBad = !looksLikeAddress(row.address);
            return (
              <tr key={n}>
                <td data-head={t("invite.address")}>
                  <input value={row.address} aria-label={t("invite.addressOf", { n: n + 1 })} aria-invalid={isBad} aria-describedby={isBad ? `bad-${n}` : undefined} onInput={(e) => set(n, { address: (e.target as HTMLInputElement).value.trim() })} />
                </td>
                <td data-head={t("invite.name")}>
                  <input value={row.name} aria-label={t("invite.nameOf", { n: n + 1 })} onInput={(e) => set(n, { name: (e.target as HTMLInputElement).value })} />
                </td>
                <td data-head={t("invite.known")}>
                  {isBad ? (
                    <span class="wrong" id={`bad-${n}`}>
                      {t("invite.bad")}
                    </span>
                  ) : (
                    (said.get(row.address.toLowerCase()) ?? "")
                  )}
                </td>
                <td data-head={t("actions")}>
                  <button type="button" class="quiet" onClick={() => onChange(rows.filter((_, i) => i !== n))} aria-label={t("invite.drop", { guest: row.address })}>
                    {t("guest.remove")}
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Counts({ preview }: { preview: ImportPreview }) {
  const parts = Object.entries(preview.counts).filter(([, n]) => n > 0);
  return <>{parts.map(([outcome, n]) => `${word("outcome", outcome)}: ${n}`).join(", ")}</>;
}

function FilePicker({ onFile }: { onFile: (file: File) => void }) {
  const [over, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer?.files[0];
    if (file) onFile(file);
  };
  return (
    <div class={over ? "drop over" : "drop"} onDragOver={(e: DragEvent) => { e.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={drop}>
      <label class="file">
        {t("invite.file")}
        <input type="file" accept=".csv,.txt,text/csv,text/plain" onChange={(e) => { const file = (e.target as HTMLInputElement).files?.[0]; if (file) onFile(file); }} />
      </label>
    </div>
  );
}

/** A file goes to Guestlist as it is, whatever its encoding: first to be looked at, then to be imported. */
function FromFile({ group, file, onBack }: { group: Group; file: File; onBack: () => void }) {
  const [preview, setPreview] = useState<ImportPreview>();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const key = useRef(newKey());
  const path = `/api/groups/${group.id}/imports?name=${encodeURIComponent(file.name)}`;
  useEffect(() => {
    upload<ImportPreview>(`${path}&dryRun=true`, file).then(setPreview, setError);
  }, [file]);
  const start = async () => {
    setBusy(true);
    try {
      const made = await upload<Import>(path, file, { "Idempotency-Key": key.current });
      go(`/groups/${group.id}/imports/${made.id}`);
    } catch (e) {
      setError(e);
      setBusy(false);
    }
  };
  const count = preview ? (preview.counts.new ?? 0) + (preview.counts.inDirectory ?? 0) + (preview.counts.notLookedUp ?? 0) : 0;
  return (
    <section aria-labelledby="file">
      <h3 id="file">{file.name}</h3>
      <Problem error={error} />
      {!preview && !error && <Busy text={t("invite.reading")} />}
      {preview && (
        <>
          <p role="status">
            {t("invite.rows", { count: preview.rows })} <Counts preview={preview} />
          </p>
          {preview.notes.map((note) => (
            <p class="hint" key={note}>
              {note}
            </p>
          ))}
          <table>
            <caption class="unseen">{t("invite.examples")}</caption>
            <thead>
              <tr>
                <th scope="col">{t("invite.line")}</th>
                <th scope="col">{t("invite.address")}</th>
                <th scope="col">{t("invite.known")}</th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(preview.first).flatMap(([outcome, examples]) =>
                examples.map((e) => (
                  <tr key={`${outcome}-${e.line}`}>
                    <td data-head={t("invite.line")}>{e.line}</td>
                    <td data-head={t("invite.address")}>{e.address}</td>
                    <td data-head={t("invite.known")}>{outcome === "invalid" || outcome === "blocked" ? <span class="wrong">{e.what}</span> : word("outcome", outcome)}</td>
                  </tr>
                )),
              )}
            </tbody>
          </table>
          {preview.pace.estimatedSeconds !== null && <p class="hint">{t("invite.takes", { time: span(preview.pace.estimatedSeconds) })}</p>}
        </>
      )}
      <div class="actions sticky">
        <button type="button" class="main" onClick={() => void start()} disabled={busy || count === 0}>
          {t("invite.import", { count })}
        </button>
        <button type="button" class="quiet" onClick={onBack}>
          {t("back")}
        </button>
      </div>
    </section>
  );
}
