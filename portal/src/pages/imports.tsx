// The imports of a group; and one: how far it is, what became of the rows, and the ways to stop it or take it back.
import { useEffect, useRef, useState } from "preact/hooks";
import { download, get, poll, send, type Polled } from "../api";
import { dateTime, number, span, t, word } from "../i18n";
import { Link } from "../router";
import type { Group, Import, ImportUndo, Imports, ReasonRow, Table } from "../schemas";
import { Page } from "../ui/page";
import { announce, Busy, Confirm, DataTable, Problem, State, useLoaded } from "../ui/parts";
import { GroupHead } from "./group_head";

const MOVING = ["running", "parked", "undoing"];

export function ImportsPage({ group: id }: { group: string }) {
  const group = useLoaded(() => get<Group>(`/api/groups/${id}`), [id]);
  const { data, error } = useLoaded(() => get<Imports>(`/api/groups/${id}/imports`), [id]);
  return (
    <Page title={group.data ? t("imports.title", { group: group.data.name }) : t("part.imports")}>
      {group.data && <GroupHead group={group.data} />}
      <Problem error={group.error ?? error} />
      {!data && !error && <Busy />}
      {data && (
        <DataTable
          caption={t("part.imports")}
          rows={data.value}
          keyOf={(i) => i.id}
          empty={t("imports.none")}
          columns={[
            { head: t("imports.file"), cell: (i) => <Link to={`/groups/${id}/imports/${i.id}`}>{i.fileName}</Link> },
            { head: t("invitations.state"), cell: (i) => <State kind="import" value={i.state} /> },
            { head: t("imports.rows"), cell: (i) => t("imports.doneOf", { done: i.done, rows: i.rows }) },
            { head: t("invitations.when"), cell: (i) => (<><span>{dateTime(i.createdAt)}</span> <span class="hint">{i.createdBy.name}</span></>) },
          ]}
        />
      )}
    </Page>
  );
}

export function ImportPage({ group: id, import: key }: { group: string; import: string }) {
  const path = `/api/groups/${id}/imports/${key}`;
  const group = useLoaded(() => get<Group>(`/api/groups/${id}`), [id]);
  const [data, setData] = useState<Import>();
  const [error, setError] = useState<unknown>();
  const [asking, setAsking] = useState<{ act: "cancel" | "undo"; text: string }>();
  const polled = useRef<Polled | undefined>(undefined);
  const before = useRef("");
  useEffect(() => {
    const heard = (found: Import) => {
      setData(found);
      setError(undefined);
      if (before.current && before.current !== found.state) announce(word("import", found.state));
      before.current = found.state;
    };
    polled.current = poll<Import>(path, heard, setError, (i) => MOVING.includes(i.state));
    return () => polled.current?.stop();
  }, [path]);
  const act = async (what: string) => {
    setData(await send<Import>("POST", `${path}/${what}`));
    setError(undefined);
    polled.current?.wake();
  };
  const press = (what: string) => void act(what).catch(setError);
  const askUndo = async () => {
    try {
      const plan = await send<ImportUndo>("POST", `${path}/undo?dryRun=true`);
      setAsking({ act: "undo", text: t("import.undoText", { memberships: plan.memberships, guests: plan.guests, kept: plan.kept }) });
    } catch (e) {
      setError(e);
    }
  };
  const results = async () => {
    try {
      const url = URL.createObjectURL(await download(`${path}/results`));
      const link = document.createElement("a");
      link.href = url;
      link.download = `${data?.fileName.replace(/\.csv$/i, "") ?? "guests"}.results.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (e) {
      setError(e);
    }
  };
  const may = group.data?.may.includes("imports.change");
  const isInTime = data && new Date(data.undoUntil) > new Date();
  const ended = data && ["done", "cancelled"].includes(data.state) && isInTime;
  return (
    <Page title={data ? data.fileName : t("part.imports")}>
      {group.data && <GroupHead group={group.data} />}
      <Problem error={group.error ?? error} />
      {!data && !error && <Busy />}
      {data && (
        <>
          <p>
            <State kind="import" value={data.state} /> {t("imports.doneOf", { done: data.done, rows: data.rows })}
            {data.waitsFor && <span class="hint"> {t("import.waits", { what: data.waitsFor })}</span>}
          </p>
          <progress max={Math.max(1, data.rows)} value={data.done} aria-label={t("import.progress")} />
          {data.guestsPerSecond !== null && <p class="hint">{t("import.rate", { rate: number(data.guestsPerSecond * 60) })}</p>}
          {data.notes.map((note) => (
            <p class="hint" key={note}>
              {note}
            </p>
          ))}
          {data.secondsLeft !== null && data.state === "running" && <p class="hint">{t("import.left", { time: span(data.secondsLeft) })}</p>}
          <div class="actions">
            {may && data.state === "running" && <button type="button" onClick={() => press("pause")}>{t("import.pause")}</button>}
            {may && data.state === "paused" && <button type="button" onClick={() => press("resume")}>{t("import.resume")}</button>}
            {may && ["running", "paused", "parked"].includes(data.state) && <button type="button" class="quiet" onClick={() => setAsking({ act: "cancel", text: t("import.cancelText") })}>{t("import.cancel")}</button>}
            <button type="button" class="quiet" onClick={() => void results()}>{t("import.results")}</button>
            {may && ended && <button type="button" class="quiet" onClick={() => void askUndo()}>{t("import.undo")}</button>}
          </div>
          <h2>{t("import.outcomes")}</h2>
          <Outcomes counts={data.counts} />
          {Object.keys(data.reasons).length > 0 && <Reasons counts={data.reasons} />}
          <p class="hint">
            {t("import.by", { name: data.createdBy.name, when: dateTime(data.createdAt) })} {t("import.undoUntil", { when: dateTime(data.undoUntil) })}
          </p>
        </>
      )}
      {asking && <Confirm title={t(`import.${asking.act}`)} text={asking.text} act={t(`import.${asking.act}`)} onClose={() => setAsking(undefined)} onYes={() => act(asking.act)} />}
    </Page>
  );
}

/** Bars drawn by the browser, with the numbers beside them: the table is the chart. */
function Outcomes({ counts }: { counts: Record<string, number> }) {
  const rows = Object.entries(counts).filter(([, n]) => n > 0);
  const most = Math.max(1, ...rows.map(([, n]) => n));
  return (
    <DataTable
      caption={t("import.outcomes")}
      rows={rows}
      keyOf={([state]) => state}
      empty={t("import.nothing")}
      columns={[
        { head: t("invitations.state"), cell: ([state]) => <State kind="invitation" value={state} /> },
        { head: t("import.count"), cell: ([, n]) => n },
        { head: t("import.share"), cell: ([state, n]) => <meter max={most} value={n} aria-label={word("invitation", state)} /> },
      ]}
    />
  );
}

function Reasons({ counts }: { counts: Record<string, number> }) {
  const { data } = useLoaded(() => get<Table>("/api/problems"), []);
  const facts = new Map<string, ReasonRow>(data?.reasons.map((r) => [r.reason, r]));
  return (
    <>
      <h2>{t("import.reasons")}</h2>
      <DataTable
        caption={t("import.reasons")}
        rows={Object.entries(counts)}
        keyOf={([reason]) => reason}
        empty=""
        columns={[
          { head: t("import.reason"), cell: ([reason]) => facts.get(reason)?.title ?? reason },
          { head: t("import.count"), cell: ([, n]) => n },
          { head: t("import.remedy"), cell: ([reason]) => facts.get(reason)?.remedy ?? "" },
        ]}
      />
    </>
  );
}
