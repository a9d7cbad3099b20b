// The frame of every page: skip link, who is signed in, navigation, the heading that takes the focus.
import type { ComponentChildren } from "preact";
import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { get } from "../api";
import { dateTime, language, LANGUAGES, speak, t, type Language } from "../i18n";
import { Link, useRoute } from "../router";
import { signOut } from "../session";
import type { Me, Stop } from "../schemas";
import { Announcements } from "./parts";

export const WhoIsHere = createContext<Me | undefined>(undefined);
export const useMe = (): Me | undefined => useContext(WhoIsHere);

interface PageProps {
  title: string;
  children: ComponentChildren;
  actions?: ComponentChildren;
}

export function Page({ title, children, actions }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – Guestlist`;
  }, [title]);
  // Whoever follows a link is told where they are; the first page leaves the focus where the browser has it.
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement === null) return;
    heading.current?.focus();
  }, []);
  return (
    <>
      <Frame />
      <main id="main">
        <div class="title">
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {actions && <div class="actions">{actions}</div>}
        </div>
        <Stopped />
        {children}
      </main>
      <Announcements />
    </>
  );
}

const LOOK_AGAIN_MS = 60_000;

/** Says on every page that an operator has stopped everything. */
function Stopped() {
  const me = useMe();
  const [stop, setStop] = useState<Stop>();
  useEffect(() => {
    if (!me) return;
    // Where it fails it is asked again in a minute: the page is of use without it.
    const look = () => get<Stop>("/api/stop").then(setStop, () => undefined);
    void look();
    const timer = setInterval(() => void look(), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [me]);
  if (!stop?.isStopped) return null;
  return (
    <div class="problem" role="status">
      <p class="problem-title">{t("stopped", { since: stop.since ? dateTime(stop.since) : "" })}</p>
      {stop.reason && <p>{t("stopped.reason", { reason: stop.reason })}</p>}
    </div>
  );
}

function Frame() {
  const me = useMe();
  const route = useRoute();
  const may = (action: string) => me?.may.includes(action);
  const seesApps = may("groups.list-all") || may("setups.read");
  return (
    <header class="frame">
      <a class="skip" href="#main">
        {t("skip")}
      </a>
      <nav aria-label={t("nav")}>
        <Link to="/" class="brand" current={route === "/"}>
          Guestlist
        </Link>
        {seesApps && <Link to="/admin/apps" current={route === "/admin/apps"}>{t("nav.apps")}</Link>}
        {may("setups.read") && <Link to="/admin/setups" current={route.startsWith("/admin/setups")}>{t("nav.setups")}</Link>}
        {may("doctor.read") && <Link to="/admin/doctor" current={route === "/admin/doctor"}>{t("nav.doctor")}</Link>}
      </nav>
      <div class="who">
        <label class="unseen" for="language">
          {t("language")}
        </label>
        <select id="language" value={language} onChange={(e) => speak((e.target as HTMLSelectElement).value as Language)}>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
        {me && <span>{me.name}</span>}
        {me && (
          <button type="button" class="quiet" onClick={() => void signOut()}>
            {t("signOut")}
          </button>
        )}
      </div>
    </header>
  );
}
