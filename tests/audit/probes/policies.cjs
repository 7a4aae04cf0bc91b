// Judge content security policies with csp_evaluator: JSON in ([policy, …]), JSON out. Severity 60 is "info".
const { readFileSync } = require("node:fs");
const folder = `${process.argv[2]}/csp_evaluator/dist`;
const { CspEvaluator, DEFAULT_CHECKS, STRICTCSP_CHECKS } = require(`${folder}/evaluator.js`);
const { CspParser } = require(`${folder}/parser.js`);

const judged = JSON.parse(readFileSync(0, "utf8")).map((policy) => {
  const csp = new CspParser(policy).csp;
  const found = new CspEvaluator(csp).evaluate(undefined, DEFAULT_CHECKS);
  return found.map(({ severity, directive, value, description }) => ({ severity, directive, value, description }));
});
console.log(JSON.stringify(judged));
