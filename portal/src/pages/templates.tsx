// Welcome messages that owners of an app start from.
import { useState } from "preact/hooks";
import { get, send } from "../api";
import { t } from "../i18n";
import type { Group, Template, Templates } from "../schemas";
import { Page } from "../ui/page";
import { announce, Busy, Field, Problem, useLoaded, wordsOf } from "../ui/parts";
import { GroupHead } from "./group_head";

const PLACEHOLDERS = ["guest", "app", "inviter"];

export function TemplatesPage({ group: id }: { group: string }) {
  const { data: group, error, set } = useLoaded(() => get<Group>(`/api/groups/${id}`), [id]);
  return (
    <Page title={group ? t("templates.title", { group: group.name }) : t("part.templates")}>
      <Problem error={error} />
      {!group && !error && <Busy />}
      {group && <GroupHead group={group} />}
      {group?.appId && <Edit group={group} appId={group.appId} onSaved={(templates) => set({ ...group, templates })} />}
    </Page>
  );
}

function Edit({ group, appId, onSaved }: { group: Group; appId: string; onSaved: (templates: Template[]) => void }) {
  const [templates, setTemplates] = useState(group.templates);
  const [error, setError] = useState<unknown>();
  const may = group.may.includes("templates.write");
  const wrong = error ? wordsOf(error) : undefined;
  const at = (n: number, field: string) => (wrong?.field === `value[${n}].${field}` ? (wrong.detail ?? wrong.title) : undefined);
  const change = (n: number, values: Partial<Template>) => setTemplates(templates.map((x, i) => (i === n ? { ...x, ...values } : x)));
  const save = async (event: Event) => {
    event.preventDefault();
    try {
      const saved = await send<Templates>("PUT", `/api/apps/${appId}/templates`, { value: templates });
      setTemplates(saved.value);
      setError(undefined);
      onSaved(saved.value);
      announce(t("templates.saved"));
    } catch (e) {
      setError(e);
    }
  };
  return (
    <form onSubmit={save}>
      <p class="hint">{t("templates.hint")}</p>
      {wrong && !wrong.field?.includes(".") && <Problem error={error} />}
      {templates.length === 0 && <p>{t("templates.none")}</p>}
      {templates.map((template, n) => (
        <fieldset key={n} disabled={!may}>
          <legend>{t("templates.one", { n: n + 1 })}</legend>
          <Field label={t("templates.name")} error={at(n, "name")}>
            {(ids) => <input required maxLength={100} value={template.name} onInput={(e) => change(n, { name: (e.target as HTMLInputElement).value })} {...ids} />}
          </Field>
          <Field label={t("templates.text")} error={at(n, "text")}>
            {(ids) => <textarea required rows={5} maxLength={group.messageLimit} value={template.text} onInput={(e) => change(n, { text: (e.target as HTMLTextAreaElement).value })} {...ids} />}
          </Field>
          <div class="actions">
            {PLACEHOLDERS.map((name) => (
              <button key={name} type="button" class="quiet" onClick={() => change(n, { text: `${template.text}{${name}}` })}>
                {`{${name}}`}
              </button>
            ))}
            <button type="button" class="quiet" onClick={() => { setTemplates(templates.filter((_, i) => i !== n)); setError(undefined); }} aria-label={t("templates.deleteWhich", { n: n + 1 })}>
              {t("templates.delete")}
            </button>
          </div>
        </fieldset>
      ))}
      {may && (
        <div class="actions">
          <button type="button" class="quiet" onClick={() => setTemplates([...templates, { name: "", text: "" }])}>
            {t("templates.add")}
          </button>
          <button type="submit" class="main">
            {t("save")}
          </button>
        </div>
      )}
    </form>
  );
}
