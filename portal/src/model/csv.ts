// A list of guests as the file that Guestlist imports.
import type { Recipient } from "./addresses";

const cell = (text: string): string => (/[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export interface Common {
  message?: string;
  language?: string;
  expires?: string;
}

/** One row a guest; what is the same for all stands in each. */
export function toCsv(guests: readonly Recipient[], common: Common = {}): string {
  const more = [common.message ?? "", common.language ?? "", common.expires ?? ""];
  const rows = guests.map((g) => [g.address, g.name, ...more]);
  const head = ["address", "name", "message", "language", "expires"];
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
