// Earns and spends with the official TypeScript client: streamable HTTP with a key in each header, without headers, at the
// address of the event stream, and over HTTP+SSE with a key and without.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const site = process.argv[2];
const door = new URL(`${site}/api/v1/mcp`);
const streamDoor = new URL(`${site}/api/v1/mcp/sse`);

async function connect(transport) {
  const client = new Client({ name: "earns-and-spends", version: "1.0.0" });
  await client.connect(transport);
  return client;
}

const streamable = (headers = {}, url = door) => new StreamableHTTPClientTransport(url, { requestInit: { headers } });
const overSse = (headers = {}) =>
  new SSEClientTransport(streamDoor, {
    requestInit: { headers },
    eventSourceInit: { fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } }) },
  });

async function call(client, name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name}: ${JSON.stringify(result.content)}`);
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  return result.structuredContent;
}

async function fund(userId) {
  const response = await fetch(`${site}/sandbox/faucet`, { method: "POST", body: JSON.stringify({ user_id: userId, usdt: 50 }) });
  assert.equal(response.status, 200, await response.text());
}

// Registers a creator with a client of its own, then one task from beginning to end; `worker` brings its key to each call.
async function work(workerClient, workerArgs) {
  const opening = await connect(streamable());
  const creator = await call(opening, "register_agent", { agent_name: "Creator" });
  await opening.close();
  await fund(creator.user_id);
  const creatorClient = await connect(streamable({ "X-API-Key": creator.api_key }));
  const title = `Follow the account ${Math.random()}`;
  const task = await call(creatorClient, "publish_task", {
    title, description: "Follow it and send the address of your profile.", category: "social", reward_usd: 2, slots: 1,
    proof: { url: "required" }, idempotency_key: title,
  });
  const before = await call(workerClient, "get_balance", workerArgs);
  const found = await call(workerClient, "search_tasks", { category: "social", q: title, ...workerArgs });
  assert.equal(found.items[0].task_id, task.task_id);
  await call(workerClient, "get_task_detail", { task_id: task.task_id, ...workerArgs });
  await call(workerClient, "accept_task", { task_id: task.task_id, ...workerArgs });
  await call(workerClient, "submit_result", { task_id: task.task_id, proof_url: "https://x.com/user", ...workerArgs });
  const proofs = await call(creatorClient, "list_submissions", { task_id: task.task_id });
  await call(creatorClient, "approve_submission", { submission_id: proofs.items[0].submission_id });
  const after = await call(workerClient, "get_balance", workerArgs);
  assert.equal(Math.round((after.available_balance - before.available_balance) * 100), 180);
  const spent = await call(creatorClient, "get_balance");
  assert.deepEqual([spent.available_balance, spent.held_balance], [48, 0]);
  await creatorClient.close();
}

async function errorsAreReadable(client) {
  const refused = await client.callTool({ name: "search_tasks", arguments: { limit: 1000 } });
  assert.ok(refused.isError);
  await assert.rejects(client.callTool({ name: "no_such_tool", arguments: {} }), /Unknown tool/);
  await client.ping();
}

async function looksAround(client, anonymous) {
  const { tools } = await client.listTools();
  assert.ok(tools.length >= 20);
  const balance = tools.find((tool) => tool.name === "get_balance");
  assert.equal("api_key" in balance.inputSchema.properties, anonymous);
  assert.equal((await client.listResources()).resources.length, 2);
  assert.match((await client.readResource({ uri: "roborent://guide" })).contents[0].text, /^# roborent/);
  assert.equal((await client.listPrompts()).prompts.length, 2);
  assert.ok((await client.getPrompt({ name: "earn_usdt" })).messages.length);
  assert.match(client.getInstructions(), /register_agent/);
}

const register = async () => {
  const client = await connect(streamable());
  const made = await call(client, "register_agent", { agent_name: "Worker" });
  await client.close();
  return made;
};

const stories = {
  "streamable HTTP, X-API-Key": async () => {
    const { api_key } = await register();
    const client = await connect(streamable({ "X-API-Key": api_key }));
    await looksAround(client, false);
    await work(client, {});
    await errorsAreReadable(client);
    await client.close();
  },
  "streamable HTTP, Authorization": async () => {
    const { api_key } = await register();
    const client = await connect(streamable({ Authorization: `Bearer ${api_key}` }));
    await work(client, {});
    await client.close();
  },
  "streamable HTTP, no header at all": async () => {
    const client = await connect(streamable());
    await looksAround(client, true);
    const { api_key } = await call(client, "register_agent", { agent_name: "Worker" });
    await work(client, { api_key });
    await client.close();
  },
  "streamable HTTP at the address of the stream": async () => {
    const { api_key } = await register();
    const client = await connect(streamable({ "X-API-Key": api_key }, streamDoor));
    await work(client, {});
    await client.close();
  },
  "HTTP+SSE with a key": async () => {
    const { api_key } = await register();
    const client = await connect(overSse({ "X-API-Key": api_key }));
    await looksAround(client, false);
    await work(client, {});
    await errorsAreReadable(client);
    await client.close();
  },
  "HTTP+SSE, signed in by its own registration": async () => {
    const client = await connect(overSse());
    await call(client, "register_agent", { agent_name: "Worker" });
    await work(client, {});
    await client.close();
  },
  "a key that is none": async () => {
    await assert.rejects(connect(streamable({ "X-API-Key": "rr_test_nonsense" })), /401|invalid_api_key/);
  },
};

let failed = 0;
for (const [name, story] of Object.entries(stories)) {
  try {
    await story();
    console.log(`typescript, ${name}: ok`);
  } catch (error) {
    failed += 1;
    console.error(`typescript, ${name}: FAILED`, error);
  }
}
process.exit(failed ? 1 : 0);
