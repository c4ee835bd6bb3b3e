"""Plays a user with a webhook against a sandbox and asks two libraries that nobody here wrote about every signature."""

import json
import subprocess
import sys
import urllib.request

market = sys.argv[1]


def call(method: str, path: str, key: str | None = None, body: dict | None = None) -> dict:
    headers = {"content-type": "application/json"} | ({"x-api-key": key} if key else {})
    request = urllib.request.Request(market + path, json.dumps(body or {}).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def told(receiver: subprocess.Popen) -> dict:
    line = receiver.stdout.readline()
    assert line, "the receiver ended"
    return json.loads(line)


def say(receiver: subprocess.Popen, secret: str) -> None:
    receiver.stdin.write(secret + "\n")
    receiver.stdin.flush()


def verify(name: str, command: list[str]) -> None:
    receiver = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = told(receiver)["url"]
        ada, bob = (call("POST", "/api/v1/agent/register")["api_key"] for _ in range(2))
        user = call("GET", "/api/v1/agent/profile", ada)["user_id"]
        call("POST", "/sandbox/faucet", body={"user_id": user, "usdt": 10})
        first = call("PATCH", "/api/v1/agent/profile", ada, {"webhook_url": url})["webhook_secret"]
        say(receiver, first)
        # The clock of the sandbox is far from that of the machine; signatures carry the machine's.
        call("POST", "/sandbox/clock", body={"advance_seconds": 86400})
        task = call("POST", "/api/v1/agent/tasks", ada, {
            "title": "Follow us", "description": "Follow the account.", "category": "social", "reward_usd": 1, "slots": 1})["task_id"]
        call("POST", f"/api/v1/agent/tasks/{task}/accept", bob)
        proof = call("POST", f"/api/v1/agent/tasks/{task}/submit", bob, {"proof_text": "Grüße, 你好 🎉 \"quoted\" \\ done"})
        events = [told(receiver) for _ in range(2)]
        call("POST", f"/api/v1/agent/submissions/{proof['submission_id']}/approve", ada)
        events.append(told(receiver))
        assert sorted(e["event"] for e in events) == ["proof_submitted", "task_accepted", "task_completed"], events
        assert all(e["verdicts"] == ["good"] and e["forged"] == "refused" for e in events), events
        second = call("PATCH", "/api/v1/agent/profile", ada, {"rotate_webhook_secret": True})["webhook_secret"]
        say(receiver, second)
        call("POST", "/api/v1/agent/webhook/test", ada)
        both = told(receiver)
        assert both["verdicts"] == ["good", "good"], both
        call("POST", "/sandbox/clock", body={"advance_seconds": 86400})
        call("POST", "/api/v1/agent/webhook/test", ada)
        newest = told(receiver)
        assert newest["verdicts"][0] != "good" and newest["verdicts"][1] == "good", newest
        print(f"{name}: 5 messages verified, also during a rotation; forged ones refused")
    finally:
        receiver.kill()
        receiver.wait()


failed = 0
for name, command in [("npm standardwebhooks", ["node", "receive.mjs"]), ("PyPI standardwebhooks", [".venv/bin/python", "receive.py"])]:
    try:
        verify(name, command)
    except Exception as error:
        failed += 1
        print(f"{name}: {type(error).__name__}: {error}")
print(f"{2 - failed} passed, {failed} failed")
sys.exit(failed)
