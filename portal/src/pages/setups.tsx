// All setups, the newest first.
import { get } from "../api";
import { dateTime, t } from "../i18n";
import { Link } from "../router";
import type { Setups } from "../schemas";
import { Page } from "../ui/page";
import { Busy, DataTable, Problem, State, useLoaded } from "../ui/parts";

export default function SetupsPage() {
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
