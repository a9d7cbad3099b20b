// Who asks to join, and an owner's yes or no.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, poll, send, type Polled } from "../api";
import { relative, t, word } from "../i18n";
import type { Group, Request as JoinRequest, Requests } from "../schemas";
import { Page } from "../ui/page";
import { announce, Busy, DataTable, Dialog, Field, Problem, State, useLoaded } from "../ui/parts";
import { GroupHead } from "./group_head";

const STATES = ["pending", "approved", "declined", "expired", "failed"] as const;

export function RequestsPage({ group: id }: { group: string }) {
  const [state, setState] = useState<string>("pending");
  const [deciding, setDeciding] = useState<{ request: JoinRequest; yes: boolean }>();
  const group = useLoaded(() => get<Group>(`/api/groups/${id}`), [id]);
  const [data, setData] = useState<Requests>();
  const [error, setError] = useState<unknown>();
  const [more, setMore] = useState<Requests>();
  const polled = useRef<Polled | undefined>(undefined);
  useEffect(() => {
    setData(undefined);
    setMore(undefined);
    const heard = (page: Requests) => {
      setData(page);
      setError(undefined);
    };
    polled.current = poll<Requests>(`/api/groups/${id}/requests?state=${state}`, heard, setError, () => false);
    return () => polled.current?.stop();
  }, [id, state]);
  const next = more ? more.nextLink : data?.nextLink;
  const load = async () => {
    if (!next) return;
    try {
      const page = await get<Requests>(next);
      setMore({ value: [...(more?.value ?? []), ...page.value], nextLink: page.nextLink });
    } catch (e) {
      setError(e);
    }
  };
  const may = group.data?.may.includes("requests.decide");
  return (
    <Page title={group.data ? t("requests.title", { group: group.data.name }) : t("part.requests")}>
      {group.data && <GroupHead group={group.data} />}
      {group.data?.requests === "closed" && <p class="hint">{t("requests.closed")}</p>}
      <Problem error={group.error ?? error} />
      <Field label={t("requests.show")}>
        {(ids) => (
          <select value={state} onChange={(e) => setState((e.target as HTMLSelectElement).value)} {...ids}>
            {STATES.map((s) => (
              <option key={s} value={s}>
                {word("request", s)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {!data && !error && <Busy />}
      {data && (
        <DataTable
          caption={t("part.requests")}
          rows={[...data.value, ...(more?.value ?? [])]}
          keyOf={(r) => r.id}
          empty={t("requests.none")}
          columns={[
            { head: t("guest.who"), cell: (r) => (<>{r.displayName && <span class="name">{r.displayName}</span>} <span>{r.address}</span></>) },
            { head: t("requests.why"), cell: (r) => r.reasonGiven ?? t("requests.noReason") },
            { head: t("requests.since"), cell: (r) => relative(r.verifiedAt ?? r.requestedAt) },
            { head: t("invitations.state"), cell: (r) => (<><State kind="request" value={r.state} />{r.decidedBy && <span class="hint"> {r.decidedBy.name}{r.note ? `: ${r.note}` : ""}</span>}{r.title && <span class="hint"> {r.title}. {r.remedy}</span>}</>) },
            {
              head: t("actions"),
              cell: (r) =>
                may && ["pending", "failed"].includes(r.state) && (
                  <div class="row-actions">
                    <button type="button" onClick={() => setDeciding({ request: r, yes: true })} aria-label={t("requests.approveWho", { guest: r.address })}>{t("requests.approve")}</button>
                    <button type="button" class="quiet" onClick={() => setDeciding({ request: r, yes: false })} aria-label={t("requests.declineWho", { guest: r.address })}>{t("requests.decline")}</button>
                  </div>
                ),
            },
          ]}
        />
      )}
      {next && (
        <button type="button" class="quiet" onClick={() => void load()}>
          {t("moreToLoad")}
        </button>
      )}
      {deciding && <Decide group={id} {...deciding} onClose={() => setDeciding(undefined)} onDone={() => polled.current?.wake()} />}
    </Page>
  );
}

interface DecideProps {
  group: string;
  request: JoinRequest;
  yes: boolean;
  onClose: () => void;
  onDone: () => void;
}

function Decide({ group, request, yes, onClose, onDone }: DecideProps) {
  const [note, setNote] = useState("");
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const decide = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await send("POST", `/api/groups/${group}/requests/${request.id}/${yes ? "approve" : "decline"}`, note.trim() ? { note } : {});
      announce(t(yes ? "requests.approved" : "requests.declined", { guest: request.address }));
      onDone();
      onClose();
    } catch (e) {
      setError(e);
      setBusy(false);
      onDone();
    }
  };
  return (
    <Dialog title={t(yes ? "requests.approveWho" : "requests.declineWho", { guest: request.address })} onClose={onClose}>
      <form onSubmit={decide}>
        <Problem error={error} />
        <Field label={t("requests.note")} hint={t("requests.noteHint")}>
          {(ids) => <textarea rows={3} maxLength={1000} value={note} onInput={(e) => setNote((e.target as HTMLTextAreaElement).value)} {...ids} />}
        </Field>
        <div class="actions">
          <button type="submit" class="main" disabled={busy}>
            {t(yes ? "requests.approve" : "requests.decline")}
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            {t("cancel")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
