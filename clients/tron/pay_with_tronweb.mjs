// Pays USDT and TRX on a devnet with tronweb and reads everything back. node pay_with_tronweb.mjs URL
import assert from 'node:assert/strict';
import { TronWeb, utils } from 'tronweb';

const url = process.argv[2];
const devnet = async (order, body = {}) => {
  const answer = await fetch(`${url}/devnet/${order}`, { method: 'POST', body: JSON.stringify(body) });
  const json = await answer.json();
  assert.equal(answer.status, 200, `${order}: ${JSON.stringify(json)}`);
  return json;
};
const passed = (what) => console.log(`tronweb: ${what}`);
// Blocks until the newest one of now is solid.
const solid = async () => devnet('mine', { blocks: 20 });

const { usdt_contract: usdt } = await devnet('');
const payer = utils.accounts.generateAccount();
const payee = utils.accounts.generateAccount().address.base58;
await devnet('faucet', { address: payer.address.base58, usdt: '100', trx: '500' });
await solid();

const tron = new TronWeb({ fullHost: url, privateKey: payer.privateKey.replace(/^0x/, '') });
assert.equal(await tron.isConnected().then((c) => c.fullNode && c.solidityNode), true);
assert.equal(await tron.trx.getBalance(payer.address.base58), 500_000_000);
passed('balance of TRX');

const contract = await tron.contract().at(usdt);
assert.equal(await contract.symbol().call(), 'USDT');
assert.equal(Number(await contract.decimals().call()), 6);
assert.equal(await contract.balanceOf(payer.address.base58).call(), 100_000_000n);
passed('contract().at, symbol, decimals, balanceOf');

const paid = async (txid, units) => {
  await solid();
  const info = await tron.trx.getTransactionInfo(txid);
  assert.equal(info.receipt.result, 'SUCCESS');
  const [log] = info.log;
  assert.equal(TronWeb.address.fromHex(`41${log.address}`), usdt);
  assert.equal(BigInt(`0x${log.data}`), units);
  const transaction = await tron.trx.getConfirmedTransaction(txid);
  assert.equal(transaction.txID, txid);
  assert.equal(transaction.ret[0].contractRet, 'SUCCESS');
  return info;
};

const first = await contract.transfer(payee, 23_500_000).send({ feeLimit: 30_000_000 });
const info = await paid(first, 23_500_000n);
assert.equal(info.receipt.energy_usage_total, 130_285);
passed('contract.transfer().send');

const parameters = [{ type: 'address', value: payee }, { type: 'uint256', value: 1 }];
for (const txLocal of [false, true]) {
  const built = await tron.transactionBuilder.triggerSmartContract(
    usdt, 'transfer(address,uint256)', { feeLimit: 30_000_000, txLocal }, parameters, payer.address.base58,
  );
  const signed = await tron.trx.sign(built.transaction);
  const reply = await tron.trx.sendRawTransaction(signed);
  assert.deepEqual([reply.result, reply.code, reply.txid], [true, undefined, signed.txID]);
  await paid(signed.txID, 1n);
  const again = await tron.trx.sendRawTransaction(signed);
  assert.equal(again.code, 'DUP_TRANSACTION_ERROR');
  passed(`triggerSmartContract, sign, sendRawTransaction, txLocal ${txLocal}`);
}

const hexed = await tron.transactionBuilder.triggerSmartContract(
  usdt, 'transfer(address,uint256)', { feeLimit: 30_000_000 }, parameters, payer.address.base58,
);
const signedHex = await tron.trx.sign(hexed.transaction);
const transactionPb = utils.transaction.txJsonToPb(signedHex);
signedHex.signature.forEach((signature) => transactionPb.addSignature(Uint8Array.from(Buffer.from(signature.replace(/^0x/, ''), 'hex'))));
const hexReply = await tron.trx.sendHexTransaction(Buffer.from(transactionPb.serializeBinary()).toString('hex'));
assert.equal(hexReply.code, 'SUCCESS', JSON.stringify(hexReply));
await paid(signedHex.txID, 1n);
passed('sendHexTransaction');

const trx = await tron.trx.sendTransaction(payee, 2_000_000);
assert.equal(trx.result, true);
await solid();
assert.equal(await tron.trx.getBalance(payee), 2_000_000);
assert.equal((await tron.trx.getTransactionInfo(trx.txid)).fee, 1_100_000);
passed('sendTransaction of TRX to a new address');

const estimate = await tron.transactionBuilder.estimateEnergy(usdt, 'transfer(address,uint256)', {}, parameters, payer.address.base58);
assert.equal(estimate.energy_required, 64_285);
await assert.rejects(
  tron.transactionBuilder.triggerConstantContract(
    usdt, 'transfer(address,uint256)', {}, [parameters[0], { type: 'uint256', value: '999999999999' }], payer.address.base58,
  ),
  /REVERT opcode executed/,
);
passed('estimateEnergy, a constant call that reverts');

const block = await tron.trx.getCurrentBlock();
const confirmed = await tron.trx.getConfirmedCurrentBlock();
assert.equal((await tron.trx.getBlockByNumber(confirmed.block_header.raw_data.number)).blockID, confirmed.blockID);
assert.equal((await tron.trx.getBlockByHash(confirmed.blockID)).blockID, confirmed.blockID);
assert.ok(block.block_header.raw_data.number > confirmed.block_header.raw_data.number);
assert.ok((await tron.trx.getChainParameters()).some(({ key, value }) => key === 'getEnergyFee' && value === 100));
assert.equal((await tron.trx.getAccountResources(payer.address.base58)).freeNetLimit, 600);
assert.equal((await tron.trx.getAccount(payer.address.base58)).owner_permission.threshold, 1);
assert.equal((await tron.trx.getUnconfirmedAccount(utils.accounts.generateAccount().address.base58)).address, undefined);
assert.ok((await tron.trx.getNodeInfo()).solidityBlock.startsWith('Num:'));
const infos = await tron.trx.getTransactionInfoByBlockNum?.(info.blockNumber);
assert.ok(infos === undefined || infos.some(({ id }) => id === first));
const weight = await tron.trx.getSignWeight(hexed.transaction);
assert.equal(weight.permission.keys[0].address, payer.address.hex.toLowerCase());
passed('blocks, parameters, resources, accounts, node info, sign weight');

assert.equal(await contract.balanceOf(payee).call(), 23_500_003n);
await assert.rejects(contract.transfer(payee, 1).send({ feeLimit: 20_000_000_000 }));
const foreign = utils.accounts.generateAccount();
const poor = new TronWeb({ fullHost: url, privateKey: foreign.privateKey.replace(/^0x/, '') });
assert.equal((await poor.trx.sendTransaction(payee, 1)).code, 'CONTRACT_VALIDATE_ERROR');
passed('refusals are told');

const polled = contract.transfer(payee, 1).send({ feeLimit: 30_000_000, shouldPollResponse: true });
const blocks = setInterval(solid, 300);
assert.equal(await polled, false, 'USDT answers false on success');
clearInterval(blocks);
passed('send with shouldPollResponse');
