// The imports of a group.
import { get } from "../api";
import { dateTime, t } from "../i18n";
import { Link } from "../router";
import type { Group, Imports } from "../schemas";
import { Page } from "../ui/page";
import { Busy, DataTable, Problem, State, useLoaded } from "../ui/parts";
import { GroupHead } from "./group_head";

export default function ImportsPage({ group: id }: { group: string }) {
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
