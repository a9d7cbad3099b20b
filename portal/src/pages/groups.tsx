// "Groups I own": where an owner begins.
import { useState } from "preact/hooks";
import { get } from "../api";
import { t, word } from "../i18n";
import { Link } from "../router";
import type { Groups } from "../schemas";
import { Page, useMe } from "../ui/page";
import { Busy, Problem, useLoaded } from "../ui/parts";

export function Groups() {
  const me = useMe();
  const [all, setAll] = useState(false);
  const { data, error } = useLoaded(() => get<Groups>(`/api/groups${all ? "?all=true" : ""}`), [all]);
  const may = me?.may.includes("groups.list-all");
  const groups = data?.value;
  return (
    <Page title={t("groups.title")}>
      {may && (
        <label class="switch">
          <input type="checkbox" checked={all} onChange={(e) => setAll((e.target as HTMLInputElement).checked)} />
          {t("groups.all")}
        </label>
      )}
      <Problem error={error} />
      {!groups && !error && <Busy />}
      {groups?.length === 0 && <p>{t("groups.none")}</p>}
      {groups && (
        <ul class="cards" aria-label={t("groups.title")}>
          {groups.map((group) => (
            <li key={group.id} class={group.canInvite || group.role !== "owner" ? "card" : "card shut"}>
              <h2>{group.reason ? group.name : <Link to={`/groups/${group.id}`}>{group.name}</Link>}</h2>
              {group.apps.length > 0 ? (
                <p>{t("groups.opens", { apps: group.apps.map((a) => a.name).join(", ") })}</p>
              ) : (
                <p class="hint">{t("groups.opensNothing")}</p>
              )}
              {group.reason && (
                <p class="hint">
                  {group.title}. {group.remedy}
                </p>
              )}
              {group.role !== "owner" && <p class="hint">{word("role", group.role)}</p>}
            </li>
          ))}
        </ul>
      )}
    </Page>
  );
}
