// Call the demo org by jsforce: {"call", "arguments"} a line comes in, {"value"} or {"error", "message"} a line goes out.
// JSFORCE_FOLDER names the folder that holds node_modules; the arguments are the org's URL and an access token.
const { createRequire } = require("node:module");
const { join } = require("node:path");
const { createInterface } = require("node:readline");

const installed = createRequire(join(process.env.JSFORCE_FOLDER, "package.json"));
const { Connection } = installed("jsforce");

const [instanceUrl, accessToken] = process.argv.slice(2);
const org = new Connection({ instanceUrl, accessToken, version: "66.0" });
org.bulk2.pollInterval = 1;

const calls = {
  query: (soql) => org.query(soql),
  queryEveryPage: (soql, scanAll) => org.query(soql, { autoFetch: true, maxFetch: 100000, scanAll }),
  find: (type, where, fields) => org.sobject(type).find(where, fields).sort({ LastName: 1 }).limit(3),
  explain: (soql) => org.query(soql).explain(),
  describe: (type) => org.sobject(type).describe(),
  describeGlobal: () => org.describeGlobal(),
  layouts: (type) => org.sobject(type).layouts(),
  compactLayouts: (type) => org.sobject(type).compactLayouts(),
  approvalLayouts: (type) => org.sobject(type).approvalLayouts(),
  listviews: (type) => org.sobject(type).listviews(),
  recent: (type) => org.recent(type),
  retrieve: (type, ids, options) => org.sobject(type).retrieve(ids, options),
  create: (type, records) => org.sobject(type).create(records),
  update: (type, records) => org.sobject(type).update(records),
  upsert: (type, records, key) => org.sobject(type).upsert(records, key),
  destroy: (type, ids) => org.sobject(type).destroy(ids),
  updated: (type, start, end) => org.sobject(type).updated(start, end),
  deleted: (type, start, end) => org.sobject(type).deleted(start, end),
  bulkQuery: async (soql) => (await org.bulk2.query(soql)).toArray(),
  bulkLoad: (object, operation, externalIdFieldName, input) =>
    org.bulk2.loadAndWaitForResults({ object, operation, externalIdFieldName: externalIdFieldName ?? undefined, input }),
  post: (path, body) => org.requestPost(path, body),
  limits: () => org.limits(),
  identity: () => org.identity(),
  userinfo: () => org.request("/services/oauth2/userinfo"),
  resources: () => org.request("/"),
  tabs: () => org.tabs(),
  search: (sosl) => org.search(sosl),
};

async function answered(line) {
  const asked = JSON.parse(line);
  try {
    return { value: await calls[asked.call](...asked.arguments) };
  } catch (problem) {
    return { error: problem.errorCode ?? problem.name, message: problem.message };
  }
}

async function main() {
  for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await answered(line)));
}

main();
