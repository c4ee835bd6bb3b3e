// What an app of Supabase does with its users, on the market: each line is a step, the last one the count.
import { createHmac, createPublicKey, verify } from "node:crypto";
import { createClient } from "@supabase/supabase-js";
import ws from "ws";

const url = process.argv[2];
let passed = 0;
let failed = 0;

function check(what, is, ...details) {
  if (is) passed += 1;
  else failed += 1;
  console.log(`${is ? "ok  " : "FAIL"} ${what}`, ...(is ? [] : details.map((d) => JSON.stringify(d))));
}

function client() {
  return createClient(url, "rr_anon", { auth: { persistSession: false, autoRefreshToken: false }, realtime: { transport: ws } });
}

async function json(path, options = {}) {
  const answer = await fetch(url + path, options);
  return { status: answer.status, headers: answer.headers, body: await answer.json().catch(() => null) };
}

function totp(secret, at) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((c) => letters.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const tag = createHmac("sha1", key).update(step).digest();
  return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const email = `ann${Date.now()}@example.com`;
const password = "correct horse battery";
const a = client();

{
  const { data, error } = await a.auth.signUp({ email: email.toUpperCase(), password, options: { data: { agent_name: "Ann", likes: ["tea"] } } });
  check("signUp gives a session", !error && data.session?.access_token && data.user?.email === email, error, data);
  check("what the user keeps with the account is there", data.user?.user_metadata?.likes?.[0] === "tea", data.user);
}
{
  const { error } = await client().auth.signUp({ email, password });
  check("a second signUp is refused", error?.code === "user_already_exists" && error.status === 422, error);
}
{
  const { error } = await client().auth.signUp({ email: `b${email}`, password: "short" });
  check("a weak password is refused with reasons", error?.code === "weak_password" && error.reasons?.length > 0, error);
}
{
  const { error } = await client().auth.signUp({ email: "nonsense", password });
  check("what is no address is refused", error?.code === "validation_failed", error);
}
{
  const { error } = await client().auth.signInWithPassword({ email, password: "wrong horse battery" });
  check("a wrong password is refused", error?.code === "invalid_credentials" && error.status === 400, error);
  const unknown = await client().auth.signInWithPassword({ email: `nobody${email}`, password });
  check("an unknown address is refused in the same words", unknown.error?.code === error?.code && unknown.error.message === error.message, unknown.error);
}
const { data: signedIn, error: signInError } = await a.auth.signInWithPassword({ email, password });
check("signInWithPassword", !signInError && signedIn.session?.expires_in === 3600, signInError);
{
  const { data, error } = await a.auth.getUser();
  check("getUser", !error && data.user.email === email && data.user.app_metadata.role === "member", error);
}
{
  const before = await fetch(`${url}/auth/v1/.well-known/jwks.json`).then((r) => r.json());
  const [head, body, signature] = signedIn.session.access_token.split(".");
  const key = createPublicKey({ key: before.keys[0], format: "jwk" });
  const good = verify("sha256", Buffer.from(`${head}.${body}`), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url"));
  check("the token is signed by the published key", good);
  const { data, error } = await a.auth.getClaims();
  check("getClaims", !error && data.claims.sub === signedIn.user.id && data.claims.aal === "aal1" && data.header.alg === "ES256", error);
}
{
  const old = (await a.auth.getSession()).data.session.refresh_token;
  const { data, error } = await a.auth.refreshSession();
  check("refreshSession gives another token", !error && data.session.refresh_token !== old, error);
  const again = await client().auth.refreshSession({ refresh_token: old });
  check("the old token gives the same successor for a while", again.data.session?.refresh_token === data.session.refresh_token, again.error);
  const forged = await client().auth.refreshSession({ refresh_token: "A".repeat(55) });
  check("a forged refresh token is refused", forged.error?.code === "refresh_token_not_found", forged.error);
}
{
  const token = (await a.auth.getSession()).data.session.access_token;
  const balance = await json("/api/v1/finance/balance", { headers: { authorization: `Bearer ${token}` } });
  check("the token works on the API", balance.status === 200 && balance.body.available_balance === 0, balance.body);
  const profile = await json("/api/v1/agent/profile", { headers: { authorization: `Bearer ${token}` } });
  check("the user is a person of that name", profile.body?.display_name === "Ann" && profile.body.is_bot === false, profile.body);
}
{
  const { data, error } = await a.auth.updateUser({ data: { likes: null, city: "Oslo" } });
  check("updateUser changes the data", !error && data.user.user_metadata.city === "Oslo" && !("likes" in data.user.user_metadata), error, data);
  const without = await a.auth.updateUser({ password: "another horse battery" });
  check("a new password needs the old one", without.error?.code === "current_password_required", without.error);
  const wrong = await a.auth.updateUser({ password: "another horse battery", current_password: "wrong horse battery" });
  check("and the right one", wrong.error?.code === "current_password_invalid", wrong.error);
  const same = await a.auth.updateUser({ password, current_password: password });
  check("and a new one", same.error?.code === "same_password", same.error);
}
{
  const other = client();
  await other.auth.signInWithPassword({ email, password });
  const { error } = await a.auth.updateUser({ password: "another horse battery", current_password: password });
  check("updateUser changes the password", !error, error);
  const { error: ended } = await other.auth.getUser();
  check("which ends the other sessions", ended?.name === "AuthSessionMissingError", ended);
  const old = await client().auth.signInWithPassword({ email, password });
  check("the old password works no more", old.error?.code === "invalid_credentials", old.error);
}
{
  const { error } = await client().auth.resetPasswordForEmail(email);
  check("resetPasswordForEmail", !error, error);
  const unknown = await client().auth.resetPasswordForEmail(`nobody${email}`);
  check("which tells nothing of unknown addresses", !unknown.error, unknown.error);
  const mails = await json("/sandbox/mails");
  const mail = mails.body.items.find((one) => one.to === email && one.body.includes("/recover/"));
  const token = mail?.body.match(/\/recover\/(\w+)/)?.[1];
  check("the mail is at /sandbox/mails", token, mails.body);
  const b = client();
  const { data, error: refused } = await b.auth.verifyOtp({ type: "recovery", token_hash: token });
  check("verifyOtp lets in", !refused && data.session, refused);
  const { error: set } = await b.auth.updateUser({ password });
  check("and a new password needs no old one", !set, set);
  const again = await client().auth.verifyOtp({ type: "recovery", token_hash: token });
  check("the link works once", again.error?.code === "otp_expired", again.error);
}
{
  const m = client();
  await m.auth.signInWithPassword({ email, password });
  const { data: factor, error } = await m.auth.mfa.enroll({ factorType: "totp", friendlyName: "phone" });
  check("mfa.enroll", !error && factor.totp.qr_code.startsWith("data:image/svg+xml") && factor.totp.uri.startsWith("otpauth://"), error);
  const { data: asked } = await m.auth.mfa.challenge({ factorId: factor.id });
  const wrong = await m.auth.mfa.verify({ factorId: factor.id, challengeId: asked.id, code: "000000" });
  check("a wrong code is refused", wrong.error?.code === "mfa_verification_failed", wrong.error);
  const code = totp(factor.totp.secret, Date.now());
  const { error: verified } = await m.auth.mfa.verify({ factorId: factor.id, challengeId: asked.id, code });
  check("mfa.verify", !verified, verified);
  const { data: level } = await m.auth.mfa.getAuthenticatorAssuranceLevel();
  check("the session is at aal2", level?.currentLevel === "aal2", level);
  const { data: factors } = await m.auth.mfa.listFactors();
  check("mfa.listFactors", factors?.totp.length === 1, factors);
  const weak = client();
  await weak.auth.signInWithPassword({ email, password });
  const { data: weaker } = await weak.auth.mfa.getAuthenticatorAssuranceLevel();
  check("another session knows that more is possible", weaker?.currentLevel === "aal1" && weaker.nextLevel === "aal2", weaker);
  const { error: kept } = await weak.auth.mfa.unenroll({ factorId: factor.id });
  check("and cannot take the factor away", kept?.code === "insufficient_aal", kept);
  const { error: replayed } = await weak.auth.mfa.challengeAndVerify({ factorId: factor.id, code });
  check("a code works once", replayed?.code === "mfa_verification_failed", replayed);
  const { error: gone } = await m.auth.mfa.unenroll({ factorId: factor.id });
  check("mfa.unenroll", !gone, gone);
}
{
  const token = (await a.auth.signInWithPassword({ email, password })).data.session.access_token;
  const b = client();
  await b.auth.signInWithPassword({ email, password });
  const { error: others } = await a.auth.signOut({ scope: "others" });
  check("signOut of the others", !others, others);
  check("ends them", (await b.auth.getUser()).error?.name === "AuthSessionMissingError");
  check("and not this one", !(await a.auth.getUser()).error);
  const { error } = await a.auth.signOut();
  check("signOut", !error, error);
  const after = await json("/api/v1/finance/balance", { headers: { authorization: `Bearer ${token}` } });
  check("the token works no more", after.status === 401 && after.body.code === "invalid_token", after.body);
  const user = await a.auth.getUser(token);
  check("getUser says that there is no session", user.error?.name === "AuthSessionMissingError", user.error);
}
{
  const published = await json("/auth/v1/token?grant_type=password", {
    method: "POST", headers: { apikey: "SUPABASE_ANON_KEY", "Content-Type": "application/json" }, body: JSON.stringify({ email, password }),
  });
  check("the published call works as it stands", published.status === 200 && published.body.access_token, published.body);
  const older = await json("/auth/v1/token?grant_type=password", { method: "POST", body: JSON.stringify({ email, password: "wrong" }) });
  check("old clients get the old shape", older.body?.code === 400 && older.body.error_code === "invalid_credentials" && older.body.msg, older.body);
  for (const [path, key] of [["settings", "external"], ["health", "name"]]) {
    const { status, body } = await json(`/auth/v1/${path}`);
    check(`GET /auth/v1/${path}`, status === 200 && key in body, body);
  }
  const unknown = await json("/auth/v1/sso", { method: "POST" });
  check("what is not here is a 404 that clients can read", unknown.status === 404 && unknown.body?.code === "not_found" && unknown.body.message, unknown.body);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
