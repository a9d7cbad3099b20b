// Addresses of the portal, kept in the browser's own history.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

export const BASE = "/portal";
const changed = new EventTarget();

const here = () => location.pathname.slice(BASE.length).replace(/\/+$/, "") || "/";

export function go(to: string): void {
  history.pushState(null, "", BASE + to);
  changed.dispatchEvent(new Event("change"));
  scrollTo(0, 0);
}

/** The address below the portal's, as it changes. */
export function useRoute(): string {
  const [route, setRoute] = useState(here);
  useEffect(() => {
    const look = () => setRoute(here());
    changed.addEventListener("change", look);
    addEventListener("popstate", look);
    return () => {
      changed.removeEventListener("change", look);
      removeEventListener("popstate", look);
    };
  }, []);
  return route;
}

/** The parts of a route that a pattern such as `/groups/:id` names, or undefined where it does not fit. */
export function match(pattern: string, route: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = route.split("/");
  if (wanted.length !== given.length) return undefined;
  const found: Record<string, string> = {};
  for (const [n, part] of wanted.entries()) {
    if (part.startsWith(":")) found[part.slice(1)] = decodeURIComponent(given[n] ?? "");
    else if (part !== given[n]) return undefined;
  }
  return found;
}

interface LinkProps {
  to: string;
  class?: string;
  current?: boolean;
  children: ComponentChildren;
}

export function Link({ to, current, children, ...rest }: LinkProps) {
  const click = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={BASE + to} onClick={click} aria-current={current ? "page" : undefined} {...rest}>
      {children}
    </a>
  );
}
