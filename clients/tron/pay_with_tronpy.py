"""Pays USDT and TRX on a devnet with tronpy and reads everything back. python pay_with_tronpy.py URL"""

import json
import sys
import urllib.request
from decimal import Decimal

from tronpy import Tron
from tronpy.exceptions import AddressNotFound, BlockNotFound, TransactionNotFound, TvmError, UnknownError, ValidationError
from tronpy.keys import PrivateKey
from tronpy.providers import HTTPProvider

URL = sys.argv[1]


def devnet(order, **body):
    request = urllib.request.Request(f"{URL}/devnet/{order}", data=json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def solid():
    """Blocks until the newest one of now is solid."""
    return devnet("mine", blocks=20)


def passed(what):
    print(f"tronpy: {what}")


def refuses(error, action):
    try:
        action()
    except error:
        return
    raise AssertionError(f"{error.__name__} expected")


usdt = devnet("")["usdt_contract"]
key = PrivateKey.random()
payer = key.public_key.to_base58check_address()
payee_key = PrivateKey.random()
payee = payee_key.public_key.to_base58check_address()
devnet("faucet", address=payer, usdt="100", trx="500")
solid()

client = Tron(HTTPProvider(URL))
assert client.get_account_balance(payer) == Decimal(500)
refuses(AddressNotFound, lambda: client.get_account(payee))
passed("balance of TRX, an address that does not exist")

contract = client.get_contract(usdt)
assert contract.functions.symbol() == "USDT"
assert contract.functions.decimals() == 6
assert contract.functions.balanceOf(payer) == 100_000_000
passed("get_contract, symbol, decimals, balanceOf")

unsigned = contract.functions.transfer(payee, 23_500_000).with_owner(payer).fee_limit(30_000_000).build()
sent = unsigned.sign(key).broadcast()
assert sent["result"] and "code" not in sent, sent
solid()
info = sent.wait(solid=True)
assert info["receipt"]["result"] == "SUCCESS" and info["receipt"]["energy_usage_total"] == 130_285
assert info["log"][0]["address"] == usdt, "logs are base58 when visible"
# USDT answers false on success: a client that believes it is wrong.
assert int(info["contractResult"][0], 16) == 0
assert client.get_solid_transaction_info(sent.txid)["blockNumber"] == info["blockNumber"]
assert client.get_transaction(sent.txid)["ret"][0]["contractRet"] == "SUCCESS"
passed("transfer of USDT, seen on the solid chain")

latest = client.get_latest_solid_block_id()
offline = contract.functions.transfer(payee, 1).with_owner(payer).fee_limit(30_000_000).build(offline=True, ref_block_id=latest)
reply = client.broadcast(offline.sign(key))
assert reply["result"], reply
solid()
assert contract.functions.balanceOf(payee) == 23_500_001
passed("a transaction built and signed offline")

sent = client.trx.transfer(payer, payee, 2_000_000).build().sign(key).broadcast()
solid()
assert sent.wait(solid=True)["fee"] == 1_100_000
assert client.get_account_balance(payee) == Decimal(2)
assert client.get_bandwidth(payee) == 600
passed("transfer of TRX to a new address")

sent = contract.functions.transfer(payer, 30_000_000).with_owner(payee).fee_limit(30_000_000).build().sign(payee_key).broadcast()
solid()
refuses(TvmError, sent.result)
passed("a transfer without cover fails and is final")

twice = contract.functions.transfer(payee, 1).with_owner(payer).fee_limit(30_000_000).build()
signed = twice.sign(key)
client.broadcast(signed)
refuses(UnknownError, lambda: client.broadcast(signed))
poor = PrivateKey.random()
refuses(
    ValidationError,
    lambda: client.trx.transfer(poor.public_key.to_base58check_address(), payee, 1).build().sign(poor).broadcast(),
)
passed("a duplicate and an empty account are refused")

number = client.get_latest_solid_block_number()
block = client.get_block(number)
assert client.get_block(block["blockID"])["block_header"]["raw_data"]["number"] == number
assert client.get_latest_block_number() >= number
refuses(BlockNotFound, lambda: client.get_block(10**9))
refuses(TransactionNotFound, lambda: client.get_transaction("00" * 32))
assert {"key": "getEnergyFee", "value": 100} in client.get_chain_parameters()
arguments = contract.functions.transfer(payee, 1).with_owner(payer)._raw_data["contract"][0]["parameter"]["value"]["data"][8:]
assert client.get_estimated_energy(payer, usdt, "transfer(address,uint256)", arguments) == 64_285
passed("blocks, parameters, estimates")
