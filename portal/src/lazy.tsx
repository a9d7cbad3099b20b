// Pages that are fetched when they are first opened.
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Busy, Problem } from "./ui/parts";

type Params = Record<string, string>;

export function lazy(load: () => Promise<FunctionComponent<never>>): FunctionComponent<Params> {
  let ready: FunctionComponent<Params> | undefined;
  return function Lazy(params: Params) {
    const [, redraw] = useState(0);
    const [error, setError] = useState<unknown>();
    useEffect(() => {
      if (ready) return;
      load().then((found) => {
        ready = found as unknown as FunctionComponent<Params>;
        redraw(1);
      }, setError);
    }, []);
    if (error) return <Problem error={error} />;
    const Ready = ready;
    return Ready ? <Ready {...params} /> : <Busy />;
  };
}
