// The apps that are set up.
import { get } from "../api";
import { t, word } from "../i18n";
import { Link } from "../router";
import type { Apps } from "../schemas";
import { Page, useMe } from "../ui/page";
import { Busy, CopyButton, DataTable, Problem, useLoaded } from "../ui/parts";

export function AppsPage() {
  const seesSetups = useMe()?.may.includes("setups.read");
  const { data, error } = useLoaded(() => get<Apps>("/api/apps"), []);
  return (
    <Page title={t("nav.apps")}>
      <Problem error={error} />
      {!data && !error && <Busy />}
      {data && (
        <DataTable
          caption={t("nav.apps")}
          rows={data.value}
          keyOf={(a) => a.appId}
          empty={t("apps.none")}
          columns={[
            { head: t("apps.app"), cell: (a) => a.name },
            { head: t("apps.group"), cell: (a) => <Link to={`/groups/${a.groupId}`}>{a.groupName}</Link> },
            { head: t("apps.owners"), cell: (a) => a.owners.map((o) => o.name).join(", ") },
            { head: t("apps.policy"), cell: (a) => (<><span>{word("policy", a.policy.requests)}</span>{a.policy.allowedDomains.length > 0 && <span class="hint"> {t("apps.allowed", { domains: a.policy.allowedDomains.join(", ") })}</span>}{a.policy.blockedDomains.length > 0 && <span class="hint"> {t("apps.blocked", { domains: a.policy.blockedDomains.join(", ") })}</span>}</>) },
            { head: t("actions"), cell: (a) => (<div class="row-actions"><CopyButton text={a.directLink} label={t("group.copyLinkOf", { name: a.name })} />{seesSetups && <Link to={`/admin/setups/${a.setupId}`}>{t("apps.setup")}</Link>}</div>) },
          ]}
        />
      )}
    </Page>
  );
}
