// The portal's types, drawn from the API's description: OpenAPI on standard input, TypeScript on standard output.
import { json } from "node:stream/consumers";
import { compile } from "json-schema-to-typescript";

const { components } = await json(process.stdin);
const names = Object.keys(components.schemas);
const schema = {
  type: "object",
  description: "Every schema of the description, by its name.",
  properties: Object.fromEntries(names.map((name) => [name, { $ref: `#/$defs/${name}` }])),
  required: names,
  $defs: components.schemas,
};
const read = (text) => JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/"));
const types = await compile(read(JSON.stringify(schema)), "Schemas", {
  additionalProperties: false,
  bannerComment: "// Drawn from the API's description by `python3 dev.py types`; a test compares.",
  maxItems: -1,
});
process.stdout.write(types);
