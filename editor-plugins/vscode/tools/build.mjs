/** Bundles the extension into dist/, with the licences of everything that the bundle holds. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const { metafile } = await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.cjs",
  bundle: true,
  platform: "node",
  target: "node20", // what VS Code 1.91 runs
  format: "cjs",
  external: ["vscode"],
  minify: true,
  legalComments: "none", // THIRD_PARTY_LICENSES.txt has the whole texts
  metafile: true,
  logLevel: "warning",
});

const folders = new Set(
  Object.keys(metafile.inputs)
    .filter((file) => file.includes("node_modules/"))
    .map(packageFolder),
);
writeFileSync(
  "dist/THIRD_PARTY_LICENSES.txt",
  [...folders]
    .sort()
    .map(notice)
    .join(`\n${"-".repeat(80)}\n\n`),
);

/** The nearest folder above with a named package in it. */
function packageFolder(file) {
  let folder = dirname(file);
  while (!existsSync(join(folder, "package.json")) || !JSON.parse(read(join(folder, "package.json"))).name) {
    folder = dirname(folder);
  }
  return folder;
}

function notice(folder) {
  const { name, version, license } = JSON.parse(read(join(folder, "package.json")));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${folder} has no licence file: its notice cannot go into the package`);
  return `${name} ${version} (${license})\n\n${read(join(folder, file)).trim()}\n`;
}

function read(file) {
  return readFileSync(file, "utf8");
}
