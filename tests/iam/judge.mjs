// judge.mjs FOLDER < QUESTIONS - asks the IAM simulator under FOLDER, all in one process, since node starts slowly.
//
// QUESTIONS: {"documents": {set: {name: document}}, "checks": [{"set", "action", "resource", "context", "principal", "account",
// "trust"?}]}; trust is the trust policy of a role that is assumed. The answer is a line of JSON, for each check {"result",
// "ignored": context keys that the action and resource do not know, "errors"}. What the simulator's data does not know as a
// resource of the action (load balancing's AddTags) is judged without that data.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/package.json`);
const { runSimulation, runUnsafeSimulation } = require("@cloud-copilot/iam-simulate");
const { documents, checks } = JSON.parse(readFileSync(0, "utf8"));

// Every key trusts its account, as the policy does that KMS gives one by default.
const keyPolicy = (account) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "kms:*", Resource: "*" }],
});

const policyOf = ({ action, account, trust }) => trust ?? (action.startsWith("kms:") ? keyPolicy(account) : undefined);

const simulation = ({ set, action, resource, context, principal, account, trust }) => ({
  request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
  identityPolicies: Object.entries(documents[set]).map(([name, policy]) => ({ name, policy })),
  serviceControlPolicies: [],
  resourceControlPolicies: [],
  resourcePolicy: policyOf({ action, account, trust }),
});

const judge = async (check) => {
  const asked = simulation(check);
  const answer = await runSimulation(asked, {});
  if (answer.resultType !== "error") return { result: answer.overallResult, ignored: answer.result?.ignoredContextKeys ?? [] };
  if (/resource.types$/.test(answer.errors.message)) {
    const unchecked = await runUnsafeSimulation(asked, {});
    return { result: unchecked.result ?? unchecked, ignored: [], unchecked: true };
  }
  return { result: "Error", errors: answer.errors };
};

const answers = [];
for (const check of checks) answers.push(await judge(check));
console.log(JSON.stringify(answers));
