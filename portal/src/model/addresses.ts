// Addresses as people paste them: one, a list, lines of a spreadsheet, names with addresses in brackets.
export interface Recipient {
  address: string;
  name: string;
}

const BRACKETED = /^"?([^"<]*)"?\s*<([^<>\s]+)>$/;
// A look at the shape alone: what an address may be, the server knows.
const SHAPE = /^[^\s@<>,;"]+@[^\s@<>,;"]+\.[^\s@<>,;".]{2,}$/;

/** What may be an address; everything else is told before anything is sent. */
export const looksLikeAddress = (text: string): boolean => SHAPE.test(text);

/** Everything that was pasted, in its order, each address once. */
export function parseRecipients(text: string): Recipient[] {
  const found: Recipient[] = [];
  for (const line of text.split(/[\r\n]+/)) {
    for (const recipient of parseLine(line)) {
      const known = found.some((f) => f.address.toLowerCase() === recipient.address.toLowerCase());
      if (!known) found.push(recipient);
    }
  }
  return found;
}

function parseLine(line: string): Recipient[] {
  const cells = line.split("\t").map((c) => c.trim()).filter(Boolean);
  const withAddress = cells.findIndex((c) => c.includes("@"));
  // A row of a spreadsheet: the address, and the first other cell as the name.
  if (cells.length > 1 && withAddress >= 0 && cells.filter((c) => c.includes("@")).length === 1) {
    const name = cells.find((_, n) => n !== withAddress) ?? "";
    return [{ ...one(cells[withAddress] ?? ""), ...(name ? { name } : {}) }];
  }
  return split(line).map(one);
}

/** At commas and semicolons, but not within quotes or before the bracket that a name belongs to. */
function split(line: string): string[] {
  const parts: string[] = [];
  let part = "";
  let quoted = false;
  for (const c of line.replace(/\t/g, ";")) {
    if (c === '"') quoted = !quoted;
    if ((c === ";" || (c === "," && !namesSomebody(part))) && !quoted) {
      parts.push(part);
      part = "";
    } else part += c;
  }
  parts.push(part);
  return parts.map((p) => p.trim()).filter(Boolean);
}

/** "Lovelace, Ada <ada@x.com>": the comma is the name's. */
const namesSomebody = (part: string): boolean => part.trim() !== "" && !part.includes("@") && !part.includes("<") && /\s*\p{L}/u.test(part) && !/\s/.test(part.trim());

function one(text: string): Recipient {
  const bracketed = BRACKETED.exec(text.trim());
  if (bracketed) return { address: (bracketed[2] ?? "").trim(), name: (bracketed[1] ?? "").trim() };
  return { address: text.trim().replace(/^mailto:/i, ""), name: "" };
}
