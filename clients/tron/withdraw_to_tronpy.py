"""Takes money out of the market to a wallet of tronpy and looks at it there.
python withdraw_to_tronpy.py SITE DEVNET ADMIN_EMAIL ADMIN_PASSWORD"""

import hashlib
import json
import sys
import time
import urllib.request
from decimal import Decimal

from tronpy import Tron
from tronpy.keys import PrivateKey, Signature
from tronpy.providers import HTTPProvider

SITE, DEVNET, EMAIL, PASSWORD = sys.argv[1:]


def call(url, body=None, **headers):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer, parse_float=Decimal)


bot = call(f"{SITE}/api/v1/agent/register", {"agent_name": "tronpy"})
key = bot["api_key"]
call(f"{SITE}/sandbox/faucet", {"user_id": bot["user_id"], "usdt": 100})
payee = PrivateKey.random().public_key.to_base58check_address()
asked = call(
    f"{SITE}/api/v1/finance/withdraw",
    {"amount": 25.00, "address": payee, "currency": "USDT"},
    X_API_Key=key,
    Idempotency_Key="withdraw-20260523-001",
)
assert (asked["status"], asked["net_amount"]) == ("queued", Decimal("23.5")), asked


def until(status):
    for _ in range(40):
        seen = call(f"{SITE}/api/v1/finance/withdrawals/{asked['withdrawal_id']}", X_API_Key=key)
        if seen["status"] == status:
            return seen
        time.sleep(0.5)
    raise AssertionError(f"{status} expected: {seen}")


until("in_review")
session = call(f"{SITE}/auth/v1/token?grant_type=password", {"email": EMAIL, "password": PASSWORD})
approve = f"{SITE}/api/v1/admin/withdrawals/{asked['withdrawal_id']}/approve"
call(approve, {"reason": "a client of others waits for it"}, Authorization=f"Bearer {session['access_token']}")
until("sending")
call(f"{DEVNET}/devnet/mine", {"blocks": 20})
done = until("completed")

client = Tron(HTTPProvider(DEVNET))
sandbox = call(f"{SITE}/sandbox")
contract = client.get_contract(sandbox["usdt_contract"])
assert contract.functions.balanceOf(payee) == 23_500_000
info = client.get_solid_transaction_info(done["txid"])
assert info["receipt"]["result"] == "SUCCESS" and int(info["log"][0]["data"], 16) == 23_500_000
print("tronpy: 23.5 USDT of a withdrawal of 25 are solid")

sent = client.get_transaction(done["txid"])
raw = bytes.fromhex(sent["raw_data_hex"])
assert hashlib.sha256(raw).hexdigest() == done["txid"]
signature = Signature.fromhex(sent["signature"][0])
signer = signature.recover_public_key_from_msg_hash(bytes.fromhex(done["txid"]))
assert signer.to_base58check_address() == sandbox["hot_address"]
assert signer.verify_msg_hash(bytes.fromhex(done["txid"]), signature)
print("tronpy: the signed bytes are those of the hot wallet")
