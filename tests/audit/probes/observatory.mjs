// Scan pages with MDN's HTTP Observatory: JSON in ([host + path, …]), JSON out.
import { readFileSync, writeFileSync, existsSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = `${process.argv[2]}/@mdn/mdn-http-observatory`;
const preloaded = `${folder}/conf/hsts-preload.json`;
// Its install script would download the list of preloaded domains; none of ours is on it.
if (!existsSync(preloaded)) writeFileSync(preloaded, "{}");
const { scan } = await import(pathToFileURL(`${folder}/src/scanner/index.js`));

const results = [];
for (const page of JSON.parse(readFileSync(0, "utf8"))) {
  const { scan: { grade, score, statusCode }, tests } = await scan(page);
  const failed = Object.entries(tests)
    .filter(([, test]) => !test.pass || test.scoreModifier < 0)
    .map(([name, test]) => `${name}: ${test.result} (${test.scoreModifier})`);
  results.push({ grade, score, statusCode, failed });
}
console.log(JSON.stringify(results));
