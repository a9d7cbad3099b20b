// What is missing in the tenant, the permissions and the settings, and what fixes it.
import { get } from "../api";
import { t } from "../i18n";
import type { Diagnosis, DiagnosedCheck } from "../schemas";
import { Page } from "../ui/page";
import { Busy, CopyButton, DataTable, Problem, State, useLoaded } from "../ui/parts";

export function DiagnosticsPage() {
  const { data, error } = useLoaded(() => get<Diagnosis>("/api/doctor"), []);
  const checks = [...(data?.checks ?? [])].sort((a, b) => rank(a) - rank(b));
  return (
    <Page title={t("nav.doctor")}>
      <Problem error={error} />
      {!data && !error && <Busy />}
      {data && (
        <DataTable
          caption={t("nav.doctor")}
          rows={checks}
          keyOf={(c) => `${c.check}${c.detail ?? ""}`}
          empty={t("doctor.none")}
          columns={[
            { head: t("doctor.check"), cell: (c) => (<><span class="name">{c.check}</span>{c.title !== c.check && <span class="hint"> {c.title}</span>}</>) },
            { head: t("invitations.state"), cell: (c) => <State kind="check" value={c.state} /> },
            { head: t("doctor.found"), cell: (c) => c.detail },
            { head: t("import.remedy"), cell: (c) => (<>{c.remedy} {c.command && <CopyButton text={c.command} label={t("doctor.copyOf", { name: c.check })} />} {c.link && <a href={c.link} target="_blank" rel="noreferrer">{t("setup.open")}</a>}</>) },
          ]}
        />
      )}
    </Page>
  );
}

const rank = (c: DiagnosedCheck): number => ["missing", "attention", "unknown", "ok"].indexOf(c.state);
