// Pays a deposit address of the market with tronweb: it is credited, exactly once. node deposit_with_tronweb.mjs SITE DEVNET
import assert from 'node:assert/strict';
import { TronWeb, utils } from 'tronweb';

const [site, devnet] = process.argv.slice(2);
const call = async (url, method, body, key) => {
  const headers = key ? { 'X-API-Key': key } : {};
  const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  const json = await answer.json();
  assert.ok(answer.ok, `${method} ${url}: ${JSON.stringify(json)}`);
  return json;
};
const order = (name, body) => call(`${devnet}/devnet/${name}`, 'POST', body);

const bot = await call(`${site}/api/v1/agent/register`, 'POST', { agent_name: 'tronweb' });
const mine = (path) => call(`${site}/api/v1/finance/${path}`, 'GET', undefined, bot.api_key);
const { address, network, currency } = await mine('deposit/address');
assert.deepEqual([network, currency], ['trc20', 'USDT']);
assert.equal(TronWeb.isAddress(address), true);

const { usdt_contract: usdt } = await order('', {});
const payer = utils.accounts.generateAccount();
await order('faucet', { address: payer.address.base58, usdt: '100', trx: '500' });
await order('mine', { blocks: 20 });

const tron = new TronWeb({ fullHost: devnet, privateKey: payer.privateKey.replace(/^0x/, '') });
const contract = await tron.contract().at(usdt);
const txid = await contract.transfer(address, 40_250_001).send({ feeLimit: 30_000_000 });
assert.equal((await mine('balance')).total_balance, 0, 'not solid yet');
await order('mine', { blocks: 20 });
const deadline = Date.now() + 10_000;
let balance;
do {
  await new Promise((resolve) => setTimeout(resolve, 250));
  balance = await mine('balance');
} while (balance.available_balance === 0 && Date.now() < deadline);
assert.equal(balance.available_balance, 40.250001);
// Blocks later it is still there once: this answers when the gateway has read them.
await order('mine', { blocks: 20 });
await call(`${site}/sandbox/clock`, 'POST', { advance_seconds: 0 });
assert.equal((await mine('balance')).available_balance, 40.250001);
const deposits = await mine('deposits');
assert.deepEqual(deposits.items.map((deposit) => [deposit.txid, deposit.status]), [[txid, 'credited']]);
console.log('tronweb: a deposit of 40.250001 USDT is credited once');
