/* Bundle each framework's page into built/NAME.js. */
import { readFile } from "node:fs/promises";
import { build, transform } from "esbuild";
import { compile, compileModule } from "svelte/compiler";
import { compileScript, parse } from "vue/compiler-sfc";

const plain = async (code) => (await transform(code, { loader: "ts", tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } } })).code;

const svelte = {
  name: "svelte",
  setup(on) {
    on.onLoad({ filter: /\.svelte$/ }, async ({ path }) => ({
      contents: compile(await readFile(path, "utf8"), { generate: "client", filename: path }).js.code,
    }));
    on.onLoad({ filter: /\.svelte\.js$/ }, async ({ path }) => ({
      contents: compileModule(await readFile(path, "utf8"), { generate: "client", filename: path }).js.code,
    }));
  },
};
const vue = {
  name: "vue",
  setup(on) {
    on.onLoad({ filter: /\.vue$/ }, async ({ path }) => {
      const templateParseOptions = { isCustomElement: (tag) => tag === "ece-chat" };
      const { descriptor } = parse(await readFile(path, "utf8"), { filename: path, templateParseOptions });
      const { content } = compileScript(descriptor, { id: "app", inlineTemplate: true });
      return { contents: await plain(content) };
    });
  },
};
const define = {
  "process.env.NODE_ENV": '"development"',
  __VUE_OPTIONS_API__: "true",
  __VUE_PROD_DEVTOOLS__: "false",
  __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "true",
};
const bundle = (name, entry, alias = {}) =>
  build({
    entryPoints: { [name]: entry },
    outdir: "built",
    bundle: true,
    format: "iife",
    jsx: "automatic",
    conditions: ["browser", "development"],
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
    logLevel: "warning",
    plugins: [svelte, vue],
    define,
    alias,
  });

await bundle("react-19", "react.jsx");
await bundle("react-18", "react.jsx", { react: "react-18", "react-dom": "react-dom-18" });
await bundle("vue", "vue.js");
await bundle("svelte", "svelte.svelte.js");
await bundle("angular", "angular.ts");
