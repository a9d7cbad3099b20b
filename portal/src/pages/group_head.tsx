// What the pages of a group have in common: its name, its app, its links and its parts.
import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { Link, useRoute } from "../router";
import type { Group } from "../schemas";
import { CopyButton } from "../ui/parts";

export function GroupHead({ group, children }: { group: Group; children?: ComponentChildren }) {
  const route = useRoute();
  const base = `/groups/${group.id}`;
  const may = (action: string) => group.may.includes(action);
  const parts = [
    { to: base, text: t("part.guests"), may: may("guests.read") },
    { to: `${base}/requests`, text: t("part.requests"), may: group.isSetUp && may("requests.read") },
    { to: `${base}/imports`, text: t("part.imports"), may: may("guests.read") },
    { to: `${base}/templates`, text: t("part.templates"), may: group.appId !== null && may("apps.read") },
  ];
  return (
    <>
      {group.apps.length > 0 && <p>{t("groups.opens", { apps: group.apps.map((a) => a.name).join(", ") })}</p>}
      <div class="actions">
        {children}
        {group.directLink && <CopyButton text={group.directLink} label={t("group.copyLink")} />}
        {group.requestPage && <CopyButton text={group.requestPage} label={t("group.copyPage")} />}
      </div>
      <nav class="tabs" aria-label={t("group.parts")}>
        {parts.filter((p) => p.may).map((p) => (
          <Link key={p.to} to={p.to} current={route === p.to || (p.to !== base && route.startsWith(p.to))}>
            {p.text}
          </Link>
        ))}
      </nav>
    </>
  );
}
