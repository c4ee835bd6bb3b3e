// Strangers write what has run somewhere into every field there is; then the pages that show it are opened, by users and by
// admins, twice: under the policy of the site, and with the policy switched off, where whatever got through would run.
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { chromium } from "playwright-core";
import { payloads, texts } from "./corpus.mjs";

const url = process.argv[2];
let passed = 0;
let failed = 0;

function check(what, is, ...details) {
  if (is) passed += 1;
  else failed += 1;
  console.log(`${is ? "ok  " : "FAIL"} ${what}`, ...(is ? [] : details.map((d) => JSON.stringify(d))));
}

// ---- Asking, without a browser.

const password = "correct horse battery";
let serial = 0;

async function ask(method, path, who, body, headers = {}) {
  const credential = who?.key ? { "x-api-key": who.key } : who?.token ? { authorization: `Bearer ${who.token}` } : {};
  const answer = await fetch(url + path, {
    method,
    headers: { ...credential, "idempotency-key": `stranger-${(serial += 1)}`, ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 400)}`);
  return text ? JSON.parse(text) : {};
}

const post = (path, who, body, headers) => ask("POST", path, who, body, headers);

async function form(path, cookie, fields) {
  const headers = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin", ...(cookie && { cookie }) };
  const answer = await fetch(url + path, { method: "POST", redirect: "manual", headers, body: new URLSearchParams(fields) });
  if (answer.status >= 400) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  const line = answer.headers.getSetCookie().find((one) => one.startsWith("rr_session="));
  return { html: await answer.text(), cookie: line?.split(";")[0] ?? cookie };
}

/** Does it for each, some at a time. */
async function each(list, act) {
  const left = [...list.entries()];
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (let next = left.shift(); next; next = left.shift()) await act(next[1], next[0]);
  }));
}

async function bot(name, code) {
  const made = await post("/api/v1/agent/register", undefined, { agent_name: name, referral_code: code });
  return { id: made.user_id, key: made.api_key };
}

async function person(email) {
  const { cookie } = await form("/signup", undefined, { email, password, name: "Stranger" });
  const session = await post("/auth/v1/token?grant_type=password", undefined, { email, password });
  return { email, cookie, token: session.access_token, id: session.user.id };
}

function totp(secret) {
  const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const step = Buffer.alloc(8);
  step.writeBigInt64BE(BigInt(Math.floor(now() / 30_000)));
  const tag = createHmac("sha1", Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))).update(step).digest();
  return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

// ---- Every field, and what was written into it.

const { now: server } = await ask("GET", "/sandbox");
const ahead = Date.parse(server) - Date.now();
const now = () => Date.now() + ahead;
const fields = [];

/** All payloads for a field of this size. */
function write(name, letter, most, length) {
  const field = { name, ...texts(letter, most, length), seen: new Set() };
  fields.push(field);
  return field.texts;
}

const encoded = (text) => encodeURIComponent(text).replaceAll("'", "%27").length;
const link = (text) => `https://strangers.invalid/?q=${encodeURIComponent(text).replaceAll("'", "%27")}`;
const started = Date.now();
const answers = write("answer of a webhook", "W", 900, (text) => Buffer.byteLength(text));
let told = 0;
const receiver = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(answers[(told += 1) % answers.length]));
await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
const hook = (text) => `http://127.0.0.1:${receiver.address().port}/?q=${encodeURIComponent(text).replaceAll("'", "%27")}`;

const creator = await person("creator@strangers.example");
creator.key = (await post("/api/v1/agent/keys", creator, {})).api_key;
await post("/sandbox/faucet", undefined, { user_id: creator.id, usdt: 1000 });
const admin = { token: (await post("/auth/v1/token?grant_type=password", undefined, { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD })).access_token };
admin.cookie = (await form("/login", undefined, { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD })).cookie;
const { referral_code: code } = await ask("GET", "/api/v1/agent/profile", creator);

const bots = [];
await each(write("name of a bot", "n", 64), async (name) => bots.push(await bot(name, code)));
const publish = (task) => post("/api/v1/agent/tasks", creator, { title: "A task", description: "What is to be done.", category: "other", reward_usd: 0.1, slots: 1, ...task });
const tasks = [];
await each(write("title", "t", 120), async (title) => tasks.push((await publish({ title })).task_id));
const [described] = await Promise.all(write("description", "d", 10_000).map((description) => publish({ description })));
const pages = { member: [`/tasks/${described.task_id}`], admin: [], public: ["/", "/tasks"] };
await each(write("target URL", "u", 1_900, encoded), async (text) => pages.public.push(`/tasks/${(await publish({ target_url: link(text) })).task_id}`));

// One task whose review queue shows every name.
const crowd = (await publish({ title: "For everybody", slots: bots.length })).task_id;
await each(bots, async (one) => {
  await post(`/api/v1/agent/tasks/${crowd}/accept`, one);
  await post(`/api/v1/agent/tasks/${crowd}/submit`, one, { proof_text: "Done" });
});
pages.member.push(`/published/${crowd}`);

// Some slots that go the whole way: proof, changes, reject, dispute, evidence, report, decision.
const said = {
  proof: write("proof", "p", 10_000), address: write("proof URL", "q", 1_900, encoded), note: write("note", "c", 2_000), reason: write("reason of a reject", "r", 2_000),
  dispute: write("dispute", "i", 2_000), evidence: write("evidence", "e", 4_000), report: write("report", "o", 2_000), decision: write("reason of a decision", "j", 2_000),
  comment: write("comment of a rating", "l", 1_000),
};
const most = Math.max(...Object.values(said).map((list) => list.length));
await each(Array.from({ length: most }), async (_, n) => {
  const text = (field) => said[field][n % said[field].length];
  const [worker, other] = [bots[n], bots[n + most]];
  const task = (await publish({ title: `The whole way ${n}` })).task_id;
  const proof = { proof_text: text("proof"), proof_url: link(text("address")) };
  const accepted = await post(`/api/v1/agent/tasks/${task}/accept`, worker);
  const first = await post(`/api/v1/agent/tasks/${task}/submit`, worker, proof);
  await post(`/api/v1/agent/submissions/${first.submission_id}/request-changes`, creator, { note: text("note") });
  const { submission_id: submission } = await post(`/api/v1/agent/tasks/${task}/submit`, worker, proof);
  await post(`/api/v1/agent/submissions/${submission}/reject`, creator, { reason_code: "other", reason: text("reason") });
  await post(`/api/v1/agent/submissions/${submission}/dispute`, worker, { reason: text("dispute") });
  await post(`/api/v1/agent/submissions/${submission}/evidence`, worker, { text: text("evidence") });
  await post(`/api/v1/agent/tasks/${task}/report`, other, { reason: text("report") });
  await post(`/api/v1/admin/disputes/${accepted.acceptance_id}/decide`, admin, { decision: "pay", reason: text("decision") });
  await post(`/api/v1/agent/acceptances/${accepted.acceptance_id}/rate`, worker, { stars: 1, comment: text("comment") });
  await post(`/api/v1/agent/acceptances/${accepted.acceptance_id}/rate`, creator, { stars: 5, comment: text("comment") });
  pages.public.push(`/u/${worker.id}`);
  pages.member.push(`/review/${submission}`, `/review/${first.submission_id}`);
  pages.admin.push(`/review/${submission}`, `/tasks/${task}`);
});
await Promise.all(["disputes", "reports"].map((name) => pages.admin.push(`/admin/${name}`)));

const profiles = { bio: write("bio", "b", 2_000), webhook_url: write("webhook URL", "h", 1_900, encoded) };
const words = write("capability", "a", 40);
await each(Array.from({ length: Math.max(profiles.bio.length, profiles.webhook_url.length, Math.ceil(words.length / 20)) }), async (_, n) => {
  await ask("PATCH", "/api/v1/agent/profile", bots[n], {
    bio: profiles.bio[n % profiles.bio.length], capabilities: words.slice(n * 20, n * 20 + 20), webhook_url: hook(profiles.webhook_url[n % profiles.webhook_url.length]),
  });
  pages.public.push(`/u/${bots[n].id}`);
  pages.admin.push(`/admin/users/${bots[n].id}`);
});

await each(write("reason of an admin", "m", 2_000), (reason, n) => post(`/api/v1/admin/users/${bots[n].id}/flag`, admin, { flagged: true, reason }));
await each(write("reason of a refused withdrawal", "x", 2_000), async (reason) => {
  const { withdrawal_id: id } = await post("/api/v1/finance/withdraw", creator, { amount: 20, address: "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH" });
  for (let n = 0; n < 100 && (await ask("GET", `/api/v1/finance/withdrawals/${id}`, creator)).status !== "in_review"; n += 1) await new Promise((soon) => setTimeout(soon, 100));
  await post(`/api/v1/admin/withdrawals/${id}/reject`, admin, { reason });
  pages.member.push(`/wallet/withdrawals/${id}`);
});
await ask("PATCH", "/api/v1/agent/profile", creator, { webhook_url: hook("for the log") });
for (let n = 0; n < answers.length + 2; n += 1) await post("/api/v1/agent/webhook/test", creator);
for (let n = 0; n < 200 && told < answers.length + 2; n += 1) await new Promise((soon) => setTimeout(soon, 100));

// What programs call themselves, and what factors are called, stands on the pages of their owner.
const owners = [];
const keys = write("name of a key", "k", 64);
await each(Array.from({ length: Math.ceil(keys.length / 150) }), async (_, n) => {
  const owner = await person(`key${n}@strangers.example`);
  for (const name of keys.slice(n * 150, n * 150 + 150)) await post("/api/v1/agent/keys", owner, { name, scopes: ["read"] });
  owners.push({ cookie: owner.cookie, paths: ["/keys"] });
});
const programs = write("name of a program", "g", 60, (text) => (/^[\x20-\x7e]+$/.test(text) ? text.length : Infinity));
await each(Array.from({ length: Math.ceil(programs.length / 40) }), async (_, n) => {
  const owner = await person(`program${n}@strangers.example`);
  for (const agent of programs.slice(n * 40, n * 40 + 40)) await post("/auth/v1/token?grant_type=password", undefined, { email: owner.email, password }, { "user-agent": agent });
  owners.push({ cookie: owner.cookie, paths: ["/profile"] });
});
const factors = write("name of a factor", "f", 60);
await each(Array.from({ length: Math.ceil(factors.length / 10) }), async (_, n) => {
  let { cookie } = await person(`factor${n}@strangers.example`);
  for (const name of factors.slice(n * 10, n * 10 + 10)) {
    const { html } = await form("/profile/second-factor", cookie, { name });
    const part = (from, to) => html.split(from)[1].split(to)[0];
    const code = totp(part("id=\"secret\">", "<"));
    ({ cookie } = await form(`/profile/second-factor/${part("/profile/second-factor/", "/verify")}/verify`, cookie, { challenge: part("name=\"challenge\" value=\"", "\""), code }));
  }
  owners.push({ cookie, paths: ["/profile/second-factor"] });
});
// These rules would keep tasks out, so they come last.
await each(write("name of a rule", "s", 80), (name, n) => post("/api/v1/admin/content-rules", admin, { name, pattern: `nobody writes this ${n}`, reason: "A test of names." }));
const searched = write("search", "y", 180);
pages.public.push(...searched.map((text) => `/tasks?q=${encodeURIComponent(text)}`));
pages.public.push(`/login?next=${encodeURIComponent(`/"><script>alert(1)</script>`)}`);
pages.member.push("/dashboard", "/published", "/review", "/referrals", "/keys", "/profile", "/profile/webhooks", "/wallet", "/wallet/history", "/work");
pages.admin.push("/admin", "/admin/users", "/admin/audit", "/admin/rules", "/admin/withdrawals", "/admin/jobs");
console.log(`${payloads.length} payloads in ${fields.length} fields after ${Math.round((Date.now() - started) / 1000)} s`);

// ---- The pages.

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const accused = [];

async function reader(cookie, bypassCSP) {
  const context = await browser.newContext({ baseURL: url, bypassCSP });
  if (cookie) await context.addCookies([{ name: "rr_session", value: cookie.split("=")[1], url }]);
  let where = "";
  const accuse = (what) => accused.push(`${where} ${bypassCSP ? "without policy" : ""}: ${what}`);
  await context.exposeBinding("accuse", (_, what) => accuse(what));
  await context.addInitScript(() => {
    for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = (what) => window.accuse(`${name} ${what}`);
    document.addEventListener("securitypolicyviolation", (event) => window.accuse(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  const page = await context.newPage();
  page.on("dialog", (dialog) => (accuse(`dialog ${dialog.message()}`), dialog.dismiss()));
  page.on("pageerror", (error) => accuse(String(error)));
  page.on("request", (request) => request.url().startsWith(url) || request.url().startsWith("data:image/") || accuse(`asks ${request.url()}`));
  page.on("framenavigated", (frame) => frame === page.mainFrame() || accuse(`frame ${frame.url()}`));
  const open = async (path) => {
    where = path;
    const answer = await page.goto(path);
    if (answer.status() >= 400 && answer.status() !== 422) accuse(`status ${answer.status()}`);
    return look();
  };
  /** What stands in the page that no template of ours writes, and everything it shows. */
  const look = async () => {
    const [strange, text, older] = await page.evaluate(() => {
      const ours = (node) => node.matches("head > script[src^='/assets/'], head > link, head > meta:not([http-equiv]), head > title");
      const strange = [...document.querySelectorAll("script, iframe, frame, object, embed, base, meta, link, style, template, title:not(svg title), marquee, video, audio, img, math, form[action*=':'], [formaction], [srcdoc]")].filter((node) => !ours(node));
      for (const node of document.querySelectorAll("*")) {
        for (const { name, value } of node.attributes) {
          if (name.startsWith("on") || name === "style") strange.push(node);
          if (["href", "src", "action", "xlink:href"].includes(name) && !/^(\/|#|\?|https?:)/.test(value)) strange.push(node);
        }
      }
      const typed = [...document.querySelectorAll("input, textarea, select")].map((node) => node.value);
      const links = [...document.querySelectorAll("a[href*='?q=']")].map((node) => node.getAttribute("href"));
      const older = [...document.querySelectorAll("a.button")].find((node) => node.textContent === "Older")?.getAttribute("href");
      return [strange.map((node) => node.outerHTML.slice(0, 200)), [document.body.textContent, ...typed, ...links].join("\n"), older];
    });
    for (const html of strange) accuse(`holds ${html}`);
    return { text, older };
  };
  const see = (text) => {
    // Addresses are shown as they are sent.
    const shown = text.replace(/\?q=[^\s<>"]+/g, (query) => { try { return decodeURIComponent(query); } catch { return query; } });
    for (const field of fields) for (const one of field.marked) if (shown.includes(one)) field.seen.add(one);
  };
  return { context, page, open, look, see };
}

let opened = 0;
await Promise.all([false, true].map(async (bypassCSP) => {
  for (const { cookie, paths } of [{ paths: pages.public }, { cookie: creator.cookie, paths: pages.member }, { cookie: admin.cookie, paths: pages.admin }, ...owners]) {
    const one = await reader(cookie, bypassCSP);
    for (const path of paths) {
      for (let next = path, n = 0; next && n < 12; n += 1) {
        const { text, older } = await one.open(next.startsWith("?") ? new URL(next, url + path).pathname + next : next);
        opened += 1;
        one.see(text);
        next = older;
      }
    }
    if (cookie === creator.cookie) {
      // A form that is refused shows what was typed.
      await one.page.goto("/publish");
      await one.page.getByLabel("Title").fill(texts("z", 5_000).texts[0]);
      await one.page.getByLabel("What is to be done").fill(texts("z", 20_000).texts[0]);
      await one.page.getByRole("button", { name: "Go on" }).click();
      await one.page.locator(".alert").waitFor();
      check(`what was typed is there again${bypassCSP ? ", without the policy" : ""}`, (await one.look()).text.includes(texts("z", 20_000).texts[0]));
    }
    await one.context.close();
  }
}));
for (const field of fields) check(`${field.name}: ${field.marked.length} payloads were shown`, field.marked.length >= 200 && field.seen.size === field.marked.length, field.marked.filter((one) => !field.seen.has(one)).slice(0, 3), `${field.seen.size} seen`);
check(`nothing ran, nothing was asked for, on ${opened} pages`, accused.length === 0, accused.length, accused.slice(0, 6));

// The accusers themselves: with something let in, they speak.
for (const bypassCSP of [false, true]) {
  accused.length = 0;
  const one = await reader(undefined, bypassCSP);
  await one.open("/rules");
  await one.page.evaluate((html) => document.body.insertAdjacentHTML("beforeend", html), "<p>x</p><img src=x: onerror=alert(1)><iframe srcdoc='x'></iframe><img src=//canary.invalid/x>");
  await one.page.waitForTimeout(300);
  await one.look();
  const heard = (part) => accused.some((what) => what.includes(part));
  check(`with ${bypassCSP ? "no policy" : "the policy"} a hole would be noticed`, heard(bypassCSP ? ": alert 1" : "policy: script-src-attr") && heard("holds <img") && (!bypassCSP || heard("asks http://canary.invalid")), accused);
  await one.context.close();
}

// Another site draws ours over its own.
{
  const page = await browser.newPage();
  await page.setContent(`<iframe src="${url}/login"></iframe>`);
  await page.waitForTimeout(300);
  const frame = page.frames()[1];
  check("a frame of another site stays empty", !frame.url().startsWith(url) && (await frame.locator("form").count()) === 0, frame.url());
}

await browser.close();
receiver.close();
console.log(`${passed} passed, ${failed} failed, ${Math.round((Date.now() - started) / 1000)} s`);
process.exit(failed === 0 ? 0 : 1);
