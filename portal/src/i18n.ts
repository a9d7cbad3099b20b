// Words in the reader's language, times in the reader's zone.
import de from "./strings/de.json";
import en from "./strings/en.json";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;
export type Key = keyof typeof en;

const CATALOGUES: Record<Language, Record<Key, string>> = { en, de };
const KEPT = "guestlist-language";

function first(): Language {
  const kept = localStorage.getItem(KEPT);
  for (const tag of [kept ?? "", ...navigator.languages]) {
    const name = tag.split("-")[0] as Language;
    if (name in LANGUAGES) return name;
  }
  return "en";
}

export const language: Language = first();
document.documentElement.lang = language;

/** Keeps the language and shows the page in it. */
export function speak(wanted: Language): void {
  localStorage.setItem(KEPT, wanted);
  location.reload();
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return CATALOGUES[language][key].replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}

/** A word for a value of the API: `invitation:member` and the like; the value itself where there is none. */
export function word(kind: string, value: string): string {
  const key = `${kind}:${value}` as Key;
  return key in CATALOGUES[language] ? t(key) : value;
}

const dates = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const days = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
const times = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const spans = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

export const date = (text: string) => dates.format(new Date(text));
/** A day without a time: the same day everywhere. */
export const day = (text: string) => days.format(new Date(`${text}T00:00:00Z`));
export const dateTime = (text: string) => times.format(new Date(text));

/** A figure with as many digits as it is worth. */
export const number = (value: number): string => new Intl.NumberFormat(language, { maximumSignificantDigits: 3 }).format(value);

/** How long something takes, in the largest unit that fits. */
export function span(seconds: number): string {
  const steps: [number, "second" | "minute" | "hour" | "day"][] = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const [size, unit] = steps.find(([size]) => seconds >= size) ?? [1, "second"];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 }).format(seconds / size);
}

export function relative(text: string): string {
  const seconds = (new Date(text).getTime() - Date.now()) / 1000;
  const size = Math.abs(seconds);
  if (size < 60) return spans.format(Math.round(seconds), "second");
  if (size < 3600) return spans.format(Math.round(seconds / 60), "minute");
  if (size < 86_400) return spans.format(Math.round(seconds / 3600), "hour");
  return spans.format(Math.round(seconds / 86_400), "day");
}
