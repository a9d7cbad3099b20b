// Builds the portal into the function app's static files, or (--tests) its tests for node's own runner.
import { build } from "esbuild";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { readdirSync } from "node:fs";
import { basename } from "node:path";

const target = new URL("../functions/portal/static/", import.meta.url).pathname;
const common = { bundle: true, format: "esm", jsx: "automatic", jsxImportSource: "preact", logLevel: "warning" };

if (process.argv.includes("--tests")) {
  const entryPoints = readdirSync("tests").filter((n) => n.endsWith(".test.ts")).map((n) => `tests/${n}`);
  await rm("build/tests", { recursive: true, force: true });
  await build({ ...common, entryPoints, outdir: "build/tests", platform: "node", outExtension: { ".js": ".mjs" } });
} else {
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  const made = await build({
    ...common,
    entryPoints: ["src/main.tsx", "src/style.css"],
    outdir: `${target}assets`,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    splitting: true,
    minify: true,
    target: "es2022",
    metafile: true,
    legalComments: "linked",
  });
  const names = Object.entries(made.metafile.outputs).filter(([, o]) => o.entryPoint);
  const name = (entry) => basename(names.find(([, o]) => o.entryPoint === entry)[0]);
  const page = (await readFile("src/index.html", "utf8"))
    .replace("{script}", `/portal/assets/${name("src/main.tsx")}`)
    .replace("{style}", `/portal/assets/${name("src/style.css")}`);
  await writeFile(`${target}index.html`, page);
  await cp("src/icon.svg", `${target}icon.svg`);
}
