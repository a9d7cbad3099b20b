// Who is signed in: OpenID Connect with code and PKCE, the same at Entra and at any other issuer.
import { UserManager, WebStorageStateStore, type User } from "oidc-client-ts";

export interface SignIn {
  authority: string;
  tenantId: string;
  audience: string;
  scope: string;
  clientId: string | null;
}

const HOME = "/portal/";
let manager: UserManager | undefined;
let user: User | null = null;
let renewing: Promise<boolean> | undefined;

/** Finds out who is signed in, or comes back from signing in; false where nobody is. */
export async function restore(): Promise<boolean> {
  const answer = await fetch("/api/sign-in", { cache: "no-store" });
  if (!answer.ok) throw new Error(`sign-in: ${answer.status}`);
  const where = (await answer.json()) as SignIn;
  if (!where.clientId) throw new Error("client-missing");
  const home = location.origin + HOME;
  manager = new UserManager({
    authority: `${where.authority}/${where.tenantId}/v2.0`,
    client_id: where.clientId,
    redirect_uri: home,
    post_logout_redirect_uri: home,
    scope: `openid profile offline_access ${where.scope}`,
    userStore: new WebStorageStateStore({ store: sessionStorage }),
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
    automaticSilentRenew: false,
    monitorSession: false,
    loadUserInfo: false,
  });
  const query = new URLSearchParams(location.search);
  if (query.has("state") && (query.has("code") || query.has("error"))) {
    try {
      user = (await manager.signinCallback()) ?? null;
    } catch {
      // A link used twice, or a page that was reloaded: whoever is signed in stays so.
      user = await manager.getUser();
    }
    const back = (user?.state as { path?: string } | undefined)?.path;
    history.replaceState(null, "", back?.startsWith(HOME) ? back : HOME);
  } else {
    user = await manager.getUser();
  }
  return user !== null && (!user.expired || (await renew()));
}

export async function signIn(): Promise<void> {
  await manager?.signinRedirect({ state: { path: location.pathname + location.search } });
}

export async function signOut(): Promise<void> {
  const hint = user?.id_token;
  await manager?.removeUser();
  await manager?.signoutRedirect(hint ? { id_token_hint: hint } : {});
}

/** The access token, renewed a little before it ends; undefined where nobody is signed in any more. */
export async function token(): Promise<string | undefined> {
  // Others may have changed what is kept: another page of this tab, or the browser.
  user = (await manager?.getUser()) ?? null;
  if (user && (user.expires_in ?? 0) < 30) await renew();
  return user?.access_token;
}

/** Asks for a new token without asking the person; one at a time. */
export function renew(): Promise<boolean> {
  renewing ??= (async () => {
    try {
      // Without a refresh token the library would try a frame, which our pages do not allow.
      const kept = await manager?.getUser();
      user = kept?.refresh_token ? ((await manager?.signinSilent()) ?? null) : null;
    } catch {
      user = null;
    } finally {
      renewing = undefined;
    }
    return user !== null;
  })();
  return renewing;
}
