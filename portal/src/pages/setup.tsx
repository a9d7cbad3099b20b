// All setups, the newest first; and one: the checklist, and the steps that a person does by hand.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, poll, send, type Polled } from "../api";
import { date, dateTime, t } from "../i18n";
import { Link } from "../router";
import type { SetupChecklist, Setups, Step as SetupStep } from "../schemas";
import { Page, useMe } from "../ui/page";
import { announce, Busy, CopyButton, DataTable, Field, Problem, State, useLoaded } from "../ui/parts";

export function SetupsPage() {
  const { data, error } = useLoaded(() => get<Setups>("/api/setups"), []);
  return (
    <Page title={t("nav.setups")}>
      <Problem error={error} />
      {!data && !error && <Busy />}
      {data && (
        <DataTable
          caption={t("nav.setups")}
          rows={data.value}
          keyOf={(s) => s.id}
          empty={t("setups.none")}
          columns={[
            { head: t("apps.app"), cell: (s) => <Link to={`/admin/setups/${s.id}`}>{s.found.app?.name ?? s.app.name ?? s.app.template ?? s.app.appId ?? s.id}</Link> },
            { head: t("invitations.state"), cell: (s) => <State kind="setup" value={s.state} /> },
            { head: t("apps.group"), cell: (s) => s.found.group?.name ?? "" },
            { head: t("invitations.when"), cell: (s) => (<><span>{dateTime(s.createdAt)}</span> <span class="hint">{s.createdBy.name}</span></>) },
          ]}
        />
      )}
    </Page>
  );
}

export function SetupPage({ setup: id }: { setup: string }) {
  const path = `/api/setups/${id}`;
  const [data, setData] = useState<SetupChecklist>();
  const [error, setError] = useState<unknown>();
  const polled = useRef<Polled | undefined>(undefined);
  const me = useMe();
  useEffect(() => {
    const heard = (found: SetupChecklist) => {
      setData(found);
      setError(undefined);
    };
    polled.current = poll<SetupChecklist>(path, heard, setError, (s) => s.state === "running");
    return () => polled.current?.stop();
  }, [path]);
  /** Whether it was done; what was refused is shown. */
  const act = async (where: string, body?: object): Promise<boolean> => {
    try {
      setData(await send<SetupChecklist>("POST", `${path}/${where}`, body ?? {}));
      setError(undefined);
      polled.current?.wake();
      return true;
    } catch (e) {
      setError(e);
      return false;
    }
  };
  const may = me?.may.includes("setups.run") ?? false;
  const name = data?.found.app?.name ?? data?.app.name ?? data?.app.template;
  return (
    <Page title={name ? t("setup.title", { app: name }) : t("nav.setups")}>
      <Problem error={error} />
      {!data && !error && <Busy />}
      {data && (
        <>
          <p>
            <State kind="setup" value={data.state} />
          </p>
          {data.state === "failed" && may && <Retry steps={data.steps} onRetry={(answers) => void act("retry", answers)} />}
          <ol class="steps">
            {(data.steps).map((step) => (
              <Step key={step.step} step={step} may={may} onConfirm={(note) => act(`steps/${step.step}/confirm`, note ? { note } : {})} />
            ))}
          </ol>
        </>
      )}
    </Page>
  );
}

/** Steps that failed go again; a step that asked something is given the answer. */
function Retry({ steps, onRetry }: { steps: SetupStep[]; onRetry: (answers: Record<string, string>) => void }) {
  const [answers, setAnswers] = useState<Record<string, string>>({});
  const reasons = steps.map((s) => s.reason ?? "");
  const asked = [
    { name: "appRole", text: t("setup.appRole"), is: reasons.some((r) => r.startsWith("app-role-")) },
    { name: "appId", text: t("setup.appId"), is: reasons.includes("app-ambiguous") },
  ].filter((a) => a.is);
  const retry = (event: Event) => {
    event.preventDefault();
    onRetry(Object.fromEntries(Object.entries(answers).filter(([, value]) => value.trim())));
  };
  return (
    <form onSubmit={retry}>
      {asked.map(({ name, text }) => (
        <Field key={name} label={text}>
          {(ids) => <input value={answers[name] ?? ""} onInput={(e) => setAnswers({ ...answers, [name]: (e.target as HTMLInputElement).value })} {...ids} />}
        </Field>
      ))}
      <button type="submit">{t("setup.retry")}</button>
    </form>
  );
}

function Step({ step, may, onConfirm }: { step: SetupStep; may: boolean; onConfirm: (note: string) => Promise<boolean> }) {
  const [note, setNote] = useState("");
  const task = step.manualTask;
  const confirm = async (event: Event) => {
    event.preventDefault();
    if (await onConfirm(note.trim())) announce(t("setup.confirmed", { step: step.title }));
  };
  return (
    <li>
      <h2>{step.title}</h2>
      <p>
        <State kind="step" value={step.state} />
      </p>
      {step.changes.map((c) => (
        <p key={c.what}>{c.what}</p>
      ))}
      {step.notes.map((n) => (
        <p class="hint" key={n}>
          {n}
        </p>
      ))}
      {step.confirmedBy && <p class="hint">{t("setup.confirmedBy", { name: step.confirmedBy.name, when: date(step.confirmedBy.at) })}</p>}
      {step.titleOfReason && (
        <div class="problem">
          <p class="problem-title">{step.titleOfReason}</p>
          {step.detail && <p>{step.detail}</p>}
          {step.remedy && <p>{step.remedy}</p>}
        </div>
      )}
      {step.state === "manual" && task && (
        <form onSubmit={confirm} class="task">
          <h3>{task.title}</h3>
          {task.instructions.map((line) => (
            <p key={line}>{line}</p>
          ))}
          <dl>
            {task.values.map((v) => (
              <div key={v.name}>
                <dt>{v.name}</dt>
                <dd>
                  {v.value} <CopyButton text={v.value} label={t("setup.copyOf", { name: v.name })} />
                </dd>
              </div>
            ))}
          </dl>
          <p>
            <a href={task.link} target="_blank" rel="noreferrer">
              {t("setup.open")}
            </a>
          </p>
          {may && (
            <>
              <Field label={t("setup.note")}>{(ids) => <input value={note} maxLength={1000} onInput={(e) => setNote((e.target as HTMLInputElement).value)} {...ids} />}</Field>
              <button type="submit">{t("setup.done")}</button>
            </>
          )}
        </form>
      )}
      {step.checks.length > 0 && (
        <ul>
          {step.checks.map((c) => (
            <li key={c.check}>
              <State kind="check" value={c.state} /> {c.check}: {c.found}
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
