// Starts the portal: finds out who is signed in, then shows the page of the address.
import { render } from "preact";
import { lazy } from "./lazy";
import { useEffect, useState } from "preact/hooks";
import { get, onSignInEnded } from "./api";
import { t } from "./i18n";
import { Groups } from "./pages/groups";
import { match, useRoute } from "./router";
import { restore, signIn } from "./session";
import type { Me } from "./schemas";
import { Page, WhoIsHere } from "./ui/page";
import { Busy, Dialog, Problem } from "./ui/parts";

const ROUTES = [
  ["/groups/:group", lazy(() => import("./pages/group").then((m) => m.GroupPage))],
  ["/groups/:group/requests", lazy(() => import("./pages/requests").then((m) => m.RequestsPage))],
  ["/groups/:group/imports", lazy(() => import("./pages/imports").then((m) => m.ImportsPage))],
  ["/groups/:group/imports/:import", lazy(() => import("./pages/imports").then((m) => m.ImportPage))],
  ["/groups/:group/templates", lazy(() => import("./pages/templates").then((m) => m.TemplatesPage))],
  ["/admin/apps", lazy(() => import("./pages/apps").then((m) => m.AppsPage))],
  ["/admin/setups", lazy(() => import("./pages/setup").then((m) => m.SetupsPage))],
  ["/admin/setups/:setup", lazy(() => import("./pages/setup").then((m) => m.SetupPage))],
  ["/admin/doctor", lazy(() => import("./pages/diagnostics").then((m) => m.DiagnosticsPage))],
] as const;

function Routed() {
  const route = useRoute();
  if (route === "/") return <Groups />;
  for (const [pattern, Component] of ROUTES) {
    const found = match(pattern, route);
    if (found) return <Component key={route} {...found} />;
  }
  return (
    <Page title={t("missing.title")}>
      <p>{t("missing.text")}</p>
    </Page>
  );
}

function Portal({ isSignedIn }: { isSignedIn: boolean }) {
  const [me, setMe] = useState<Me>();
  const [error, setError] = useState<unknown>();
  const [ended, setEnded] = useState(false);
  useEffect(() => onSignInEnded(() => setEnded(true)), []);
  useEffect(() => {
    if (isSignedIn) get<Me>("/api/me").then(setMe, setError);
  }, []);
  if (!isSignedIn) return <Welcome />;
  return (
    <WhoIsHere.Provider value={me}>
      {error ? (
        <Page title="Guestlist">
          <Problem error={error} />
        </Page>
      ) : (
        <Routed />
      )}
      {ended && (
        <Dialog title={t("ended.title")} onClose={() => setEnded(false)}>
          <p>{t("ended.text")}</p>
          <div class="actions">
            <button type="button" onClick={() => void signIn()}>
              {t("signIn.again")}
            </button>
          </div>
        </Dialog>
      )}
    </WhoIsHere.Provider>
  );
}

function Welcome() {
  return (
    <Page title={t("welcome.title")}>
      <p>{t("welcome.text")}</p>
      <button type="button" class="large" onClick={() => void signIn()}>
        {t("signIn")}
      </button>
    </Page>
  );
}

const root = document.getElementById("app") as HTMLElement;
render(<Busy />, root);
restore().then(
  (isSignedIn) => render(<Portal isSignedIn={isSignedIn} />, root),
  (e: unknown) =>
    render(
      <Page title="Guestlist">
        {e instanceof Error && e.message === "client-missing" ? <p role="alert">{t("client.missing")}</p> : <Problem error={e} />}
      </Page>,
      root,
    ),
);
