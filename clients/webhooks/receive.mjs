// Receives webhooks and verifies each with npm's `standardwebhooks`, unchanged. Prints the name of each event.
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

// The secrets come on standard input, one a line, when the market has shown them.
let secrets = [];
process.stdin.on("data", (text) => { secrets = secrets.concat(String(text).split("\n").filter(Boolean)); });

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const body = Buffer.concat(parts).toString("utf8");
    const verdicts = secrets.map((secret) => {
      try { new Webhook(secret).verify(body, request.headers); return "good"; } catch (error) { return error.name; }
    });
    let forged = "accepted";
    try { new Webhook(secrets[0]).verify(body.replace("event", "evnet"), request.headers); } catch { forged = "refused"; }
    console.log(JSON.stringify({ event: JSON.parse(body).event, verdicts, forged }));
    response.writeHead(204).end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/hook` })));
