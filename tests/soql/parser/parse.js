// Parse SOQL with a grammar that is not orgsync's: a JSON string a line comes in, {"query"} or {"error"} a line goes out.
// SOQL_PARSER_FOLDER names the folder that holds node_modules.
const { createRequire } = require("node:module");
const { join } = require("node:path");
const { createInterface } = require("node:readline");

const installed = createRequire(join(process.env.SOQL_PARSER_FOLDER, "package.json"));
const { parseQuery } = installed("@jetstreamapp/soql-parser-js");

function parsed(soql) {
  try {
    return { query: parseQuery(soql) };
  } catch (problem) {
    return { error: problem.message };
  }
}

createInterface({ input: process.stdin }).on("line", (line) => console.log(JSON.stringify(parsed(JSON.parse(line)))));
