// A group: its guests, and what becomes of those who were invited.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, newKey, poll, send, type Polled } from "../api";
import { date, dateTime, day, relative, t } from "../i18n";
import type { Group, Guest, Guests, Invitation, Invitations } from "../schemas";
import { Page } from "../ui/page";
import { announce, Busy, Confirm, CopyButton, DataTable, Dialog, Field, isBeingWritten, Problem, State, useLoaded, wordsOf } from "../ui/parts";
import { GroupHead } from "./group_head";
import { Invite } from "./invitations";

const SHOWN = 50;
/** Guests that are fetched without being asked for. */
const AT_ONCE = 500;

/** Whoever has just been invited is who an owner looks for. */
const newestFirst = (guests: Guest[]): Guest[] => guests.sort((a, b) => (b.createdAt ?? "").localeCompare(a.createdAt ?? ""));

export function GroupPage({ group: id }: { group: string }) {
  const { data: group, error } = useLoaded(() => get<Group>(`/api/groups/${id}`), [id]);
  return (
    <Page title={group?.name ?? t("part.guests")}>
      <Problem error={error} />
      {!group && !error && <Busy />}
      {group && <Content group={group} />}
    </Page>
  );
}

function Content({ group }: { group: Group }) {
  const path = `/api/groups/${group.id}`;
  const [inviting, setInviting] = useState(group.canInvite && isBeingWritten(`invite-${group.id}`));
  const [invitations, setInvitations] = useState<Invitation[]>();
  const [error, setError] = useState<unknown>();
  const [listed, setListed] = useState<{ guests: Guest[]; known: boolean; next: string | null }>();
  const [find, setFind] = useState("");
  const [older, setOlder] = useState<{ invitations: Invitation[]; next: string | null }>();
  const polled = useRef<Polled | undefined>(undefined);
  const ended = useRef<Map<string, boolean>>(new Map());
  const wanted = useRef("");

  const loadGuests = async () => {
    try {
      const guests: Guest[] = [];
      let next: string | null = `${path}/guests${wanted.current ? `?find=${encodeURIComponent(wanted.current)}` : ""}`;
      let known = true;
      const asked = wanted.current;
      while (next && guests.length < AT_ONCE) {
        const page: Guests = await get<Guests>(next);
        guests.push(...page.value);
        known = page.lastSignIn === "known";
        next = page.nextLink;
      }
      // Whoever typed on meanwhile waits for another answer.
      if (asked === wanted.current) setListed({ guests: newestFirst(guests), known, next });
    } catch (e) {
      setError(e);
    }
  };
  useEffect(() => {
    void loadGuests();
    const heard = (page: Invitations) => {
      setInvitations(page.value);
      setOlder((before) => before ?? { invitations: [], next: page.nextLink });
      setError(undefined);
      if (tellWhatEnded(ended.current, page.value)) void loadGuests();
    };
    polled.current = poll<Invitations>(`${path}/invitations?limit=200`, heard, setError, (p) => p.value.some((i) => !i.isFinal));
    return () => polled.current?.stop();
  }, [group.id]);

  useEffect(() => {
    if (wanted.current === find.trim()) return;
    wanted.current = find.trim();
    const timer = setTimeout(() => void loadGuests(), 300);
    return () => clearTimeout(timer);
  }, [find]);

  const more = async () => {
    if (!listed?.next) return;
    try {
      const page = await get<Guests>(listed.next);
      setListed({ ...listed, guests: [...listed.guests, ...page.value], next: page.nextLink });
    } catch (e) {
      setError(e);
    }
  };
  const moreInvitations = async () => {
    if (!older?.next) return;
    try {
      const page = await get<Invitations>(older.next);
      setOlder({ invitations: [...older.invitations, ...page.value], next: page.nextLink });
    } catch (e) {
      setError(e);
    }
  };
  const changed = () => {
    polled.current?.wake();
    void loadGuests();
  };
  return (
    <>
      <GroupHead group={group}>
        {group.canInvite && (
          <button type="button" class="main" onClick={() => setInviting(true)}>
            {t("invite.open")}
          </button>
        )}
      </GroupHead>
      {group.reason && (
        <p class="problem">
          {group.title}. {group.remedy}
        </p>
      )}
      <Problem error={error} />
      <section aria-labelledby="guests">
        <h2 id="guests">{t("part.guests")}</h2>
        {listed ? (
          <Guests group={group} {...listed} find={find} onFind={setFind} onMore={() => void more()} onChange={changed} />
        ) : (
          !error && <Busy />
        )}
      </section>
      <section aria-labelledby="invitations">
        <h2 id="invitations">{t("group.invitations")}</h2>
        {invitations ? (
          <Invitations
            invitations={[...invitations, ...(older?.invitations ?? [])]}
            hasOlder={Boolean(older?.next)}
            may={group.may.includes("invitations.cancel")}
            onMore={() => void moreInvitations()}
            onChange={changed}
          />
        ) : (
          !error && <Busy />
        )}
      </section>
      {inviting && <Invite group={group} onClose={() => setInviting(false)} onSent={changed} />}
    </>
  );
}

/** Says politely what came to its end since the last look; tells whether anything did. */
function tellWhatEnded(ended: Map<string, boolean>, now: Invitation[]): boolean {
  const isFirst = ended.size === 0;
  const news = now.filter((i) => i.isFinal && ended.get(i.id) !== true && !isFirst);
  for (const i of now) ended.set(i.id, i.isFinal);
  if (ended.size === 0) ended.set("", true);
  if (news.length === 1 && news[0]) announce(`${news[0].address}: ${news[0].title ?? news[0].meaning}`);
  if (news.length > 1) announce(t("group.ended", { count: news.length }));
  return news.length > 0;
}

interface GuestsProps {
  group: Group;
  guests: Guest[];
  known: boolean;
  next: string | null;
  find: string;
  onFind: (find: string) => void;
  onMore: () => void;
  onChange: () => void;
}

function Guests({ group, guests, known, next, find, onFind, onMore, onChange }: GuestsProps) {
  const [removing, setRemoving] = useState<Guest>();
  const [renewing, setRenewing] = useState<Guest>();
  const [shown, setShown] = useState(SHOWN);
  const path = `/api/groups/${group.id}`;
  const resend = async (guest: Guest) => {
    try {
      await send("POST", `${path}/invitations`, { address: guest.address, resend: true }, { "Idempotency-Key": newKey() });
      announce(t("guest.sentAgain", { guest: guest.address ?? guest.name }));
      onChange();
    } catch (e) {
      announce(wordsOf(e).title);
    }
  };
  const signedIn = (g: Guest) => (g.lastSignInAt ? relative(g.lastSignInAt) : known ? t("guest.never") : t("guest.unknown"));
  return (
    <>
      {(guests.length > SHOWN || find) && (
        <Field label={t("guest.find")} hint={t("guest.findHint")}>
          {(ids) => <input type="search" value={find} onInput={(e) => onFind((e.target as HTMLInputElement).value)} {...ids} />}
        </Field>
      )}
      <DataTable
        caption={t("part.guests")}
        rows={guests.slice(0, shown)}
        keyOf={(g) => g.userId}
        empty={find ? t("guest.notFound") : t("guest.none")}
        columns={[
          { head: t("guest.who"), cell: (g) => (<>{g.name !== g.address && <span class="name">{g.name}</span>} <span>{g.address}</span>{!g.enabled && <span class="hint">{t("guest.blocked")}</span>}</>) },
          { head: t("guest.redemption"), cell: (g) => (<><State kind="redemption" value={g.redemption ?? "unknown"} />{g.since && <span class="hint"> {date(g.since)}</span>}</>) },
          { head: t("guest.lastSignIn"), cell: signedIn },
          { head: t("guest.expires"), cell: (g) => (g.expires ? day(g.expires) : t("guest.noEnd")) },
          {
            head: t("actions"),
            cell: (g) =>
              group.may.includes("guests.change") && (
                <div class="row-actions">
                  {group.canInvite && g.redemption === "pending" && g.address && <button type="button" class="quiet" onClick={() => void resend(g)} aria-label={t("guest.sendAgainTo", { guest: g.address })}>{t("guest.sendAgain")}</button>}
                  <button type="button" class="quiet" onClick={() => setRenewing(g)} aria-label={t("guest.renewOf", { guest: g.address ?? g.name })}>{t("guest.renew")}</button>
                  <button type="button" class="quiet" onClick={() => setRemoving(g)} aria-label={t("guest.removeWho", { guest: g.address ?? g.name })}>{t("guest.remove")}</button>
                </div>
              ),
          },
        ]}
      />
      {guests.length > shown && <button type="button" class="quiet" onClick={() => setShown(shown + 2 * SHOWN)}>{t("more", { count: guests.length - shown })}</button>}
      {guests.length <= shown && next && <button type="button" class="quiet" onClick={() => { setShown(shown + 2 * SHOWN); onMore(); }}>{t("moreToLoad")}</button>}
      {removing && (
        <Confirm
          title={t("guest.removeTitle")}
          text={t("guest.removeText", { guest: removing.address ?? removing.name, group: group.name })}
          act={t("guest.remove")}
          onClose={() => setRemoving(undefined)}
          onYes={async () => {
            await send("DELETE", `${path}/guests/${removing.userId}`);
            announce(t("guest.removed", { guest: removing.address ?? removing.name }));
            onChange();
          }}
        />
      )}
      {renewing && <Renew path={`${path}/guests/${renewing.userId}/expiry`} guest={renewing} onClose={() => setRenewing(undefined)} onDone={onChange} />}
    </>
  );
}

function Renew({ path, guest, onClose, onDone }: { path: string; guest: Guest; onClose: () => void; onDone: () => void }) {
  const [expires, setExpires] = useState(guest.expires ?? "");
  const [error, setError] = useState<unknown>();
  const save = async (value: string | null) => {
    try {
      await send("PUT", path, { expires: value });
      announce(t("guest.renewed"));
      onDone();
      onClose();
    } catch (e) {
      setError(e);
    }
  };
  const soon = new Date(Date.now() + 90 * 86_400_000).toISOString().slice(0, 10);
  return (
    <Dialog title={t("guest.renewOf", { guest: guest.address ?? guest.name })} onClose={onClose}>
      <form onSubmit={(e) => { e.preventDefault(); void save(expires || null); }}>
        <Field label={t("guest.expires")} error={error ? (wordsOf(error).detail ?? wordsOf(error).title) : undefined}>
          {(ids) => <input type="date" value={expires} onInput={(e) => setExpires((e.target as HTMLInputElement).value)} {...ids} />}
        </Field>
        <div class="actions">
          <button type="submit">{t("save")}</button>
          <button type="button" class="quiet" onClick={() => setExpires(soon)}>{t("guest.ninety")}</button>
          <button type="button" class="quiet" onClick={() => void save(null)}>{t("guest.noEnd")}</button>
        </div>
      </form>
    </Dialog>
  );
}

interface InvitationsProps {
  invitations: Invitation[];
  hasOlder: boolean;
  may: boolean;
  onMore: () => void;
  onChange: () => void;
}

function Invitations({ invitations, hasOlder, may, onMore, onChange }: InvitationsProps) {
  const [only, setOnly] = useState<"open" | "failed" | "all">("open");
  const [cancelling, setCancelling] = useState<Invitation>();
  const [shown, setShown] = useState(SHOWN);
  const fits = (i: Invitation) => only === "all" || (only === "failed" ? i.state === "failed" : !i.isFinal || isRecent(i));
  const found = invitations.filter(fits);
  const cancellable = (i: Invitation) => may && !["failed", "undone"].includes(i.state);
  return (
    <>
      <Field label={t("invitations.show")}>
        {(ids) => (
          <select value={only} onChange={(e) => setOnly((e.target as HTMLSelectElement).value as "open")} {...ids}>
            <option value="open">{t("invitations.open")}</option>
            <option value="failed">{t("invitations.failed")}</option>
            <option value="all">{t("invitations.all")}</option>
          </select>
        )}
      </Field>
      <DataTable
        caption={t("group.invitations")}
        rows={found.slice(0, shown)}
        keyOf={(i) => i.id}
        empty={t("invitations.none")}
        columns={[
          { head: t("guest.who"), cell: (i) => (<>{i.displayName && <span class="name">{i.displayName}</span>} <span>{i.address}</span></>) },
          { head: t("invitations.state"), cell: (i) => (<><State kind="invitation" value={i.state} /> <span class="hint">{i.title ? `${i.title}. ${i.remedy ?? ""}` : i.meaning}</span></>) },
          { head: t("invitations.when"), cell: (i) => (<><span>{dateTime(i.createdAt)}</span> <span class="hint">{i.invitedBy.name}</span></>) },
          {
            head: t("actions"),
            cell: (i) => (
              <div class="row-actions">
                <CopyButton text={i.directLink} label={t("group.copyLink")} />
                {cancellable(i) && <button type="button" class="quiet" onClick={() => setCancelling(i)} aria-label={t("invitations.cancelOf", { guest: i.address })}>{t("invitations.cancel")}</button>}
              </div>
            ),
          },
        ]}
      />
      {found.length > shown && <button type="button" class="quiet" onClick={() => setShown(shown + 2 * SHOWN)}>{t("more", { count: found.length - shown })}</button>}
      {found.length <= shown && hasOlder && only !== "open" && <button type="button" class="quiet" onClick={() => { setShown(shown + 2 * SHOWN); onMore(); }}>{t("moreToLoad")}</button>}
      {cancelling && (
        <Confirm
          title={t("invitations.cancelTitle")}
          text={t("invitations.cancelText", { guest: cancelling.address })}
          act={t("invitations.cancel")}
          onClose={() => setCancelling(undefined)}
          onYes={async () => {
            await send("POST", `/api/invitations/${cancelling.id}/cancel`);
            announce(t("invitations.cancelled", { guest: cancelling.address }));
            onChange();
          }}
        />
      )}
    </>
  );
}

/** What has just ended stays in sight for an hour. */
const isRecent = (i: Invitation): boolean => Date.now() - new Date(i.updatedAt).getTime() < 3_600_000;
