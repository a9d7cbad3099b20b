import assert from "node:assert/strict";
import { test } from "node:test";
import { looksLikeAddress, parseRecipients } from "../src/model/addresses";
import { toCsv } from "../src/model/csv";
import de from "../src/strings/de.json";
import en from "../src/strings/en.json";

const addresses = (text: string) => parseRecipients(text).map((r) => r.address);

test("a single address is itself", () => {
  assert.deepEqual(parseRecipients(" ada@fabrikam.com "), [{ address: "ada@fabrikam.com", name: "" }]);
});

test("lists are split at line ends, commas and semicolons", () => {
  assert.deepEqual(addresses("a@x.com, b@x.com;c@x.com\r\n\nd@x.com;"), ["a@x.com", "b@x.com", "c@x.com", "d@x.com"]);
});

test("names in front of brackets are kept, with their commas", () => {
  assert.deepEqual(parseRecipients('"Lovelace, Ada" <ada@x.com>; Bob Stone <bob@x.com>'), [
    { address: "ada@x.com", name: "Lovelace, Ada" },
    { address: "bob@x.com", name: "Bob Stone" },
  ]);
  assert.deepEqual(parseRecipients("Lovelace, Ada <ada@x.com>"), [{ address: "ada@x.com", name: "Lovelace, Ada" }]);
});

test("rows of a spreadsheet give address and name in either order", () => {
  assert.deepEqual(parseRecipients("Ada\tada@x.com\nbob@x.com\tBob"), [
    { address: "ada@x.com", name: "Ada" },
    { address: "bob@x.com", name: "Bob" },
  ]);
});

test("an address that is there twice counts once, whatever its case", () => {
  assert.deepEqual(addresses("ada@x.com\nADA@X.com"), ["ada@x.com"]);
});

test("what cannot be an address is kept, to be mended", () => {
  assert.deepEqual(addresses("ada@x.com\nnobody"), ["ada@x.com", "nobody"]);
  assert.equal(looksLikeAddress("nobody"), false);
  assert.equal(looksLikeAddress("a@b"), false);
  assert.equal(looksLikeAddress("müller@bücher.example"), true);
});

test("a file quotes what would break it", () => {
  const file = toCsv([{ address: "ada@x.com", name: 'Ada "the first", L.' }], { message: "Hello\nAda", expires: "2027-01-31" });
  assert.equal(file, 'address,name,message,language,expires\r\nada@x.com,"Ada ""the first"", L.","Hello\nAda",,2027-01-31\r\n');
});

test("every text is there in both languages, with the same values in it", () => {
  assert.deepEqual(Object.keys(de).sort(), Object.keys(en).sort());
  for (const [key, text] of Object.entries(en)) {
    const names = (s: string) => [...s.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
    assert.deepEqual(names(de[key as keyof typeof de]), names(text), key);
  }
});
