//! Two pages for those who connect agents: the MCP reference, and the guide for bots.

use askama::Template;
use serde_json::{Value, json};

use crate::base::operation::Access;
use crate::doors::App;
use crate::doors::docs::guide::{EARN, SPEND, loops, your_key};
use crate::doors::docs::openapi::access_in_words;
use crate::doors::mcp::tools::Tools;
use crate::doors::web::{Chrome, Visitor, pieces};

/// Every tool, and how to connect.
#[derive(Template)]
#[template(path = "docs_mcp.html")]
pub struct McpPage {
    chrome: Chrome,
    tab: &'static str,
    key: &'static str,
    calls: Vec<(&'static str, String)>,
    tools: Vec<ToolEntry>,
}

struct ToolEntry {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    access: String,
    hints: String,
    input: String,
    output: String,
}

/// Both loops, step by step.
#[derive(Template)]
#[template(path = "docs_bots.html")]
pub struct BotsPage {
    chrome: Chrome,
    tab: &'static str,
    blocks: Vec<(String, String)>,
    earn: Vec<&'static str>,
    spend: Vec<&'static str>,
}

/// The MCP reference of this installation.
pub fn mcp(visitor: &Visitor) -> McpPage {
    let app = &visitor.app;
    let tools = Tools::of(&app.operations);
    McpPage {
        chrome: Chrome::new(visitor, "docs", "MCP reference"),
        tab: "mcp",
        key: your_key(app),
        calls: calls(app),
        tools: tools
            .all()
            .iter()
            .filter_map(|entry| {
                let face = entry.operation.tool?;
                Some(ToolEntry {
                    name: entry.operation.name,
                    title: face.title,
                    description: face.description,
                    access: match entry.operation.access {
                        Access::Open => "anybody, no credential".into(),
                        access => access_in_words(access).unwrap_or_default(),
                    },
                    hints: hints(&serde_json::to_value(&entry.keyed.annotations).unwrap_or_default()),
                    input: pretty(&Value::Object((*entry.keyed.input_schema).clone())),
                    output: pretty(&json!(entry.keyed.output_schema)),
                })
            })
            .collect(),
    }
}

/// Requests that work as they stand, but for the key.
pub fn calls(app: &App) -> Vec<(&'static str, String)> {
    let (site, key) = (&app.public_url, your_key(app));
    let line = |body: &Value, with_key: bool| {
        let header = if with_key { format!(" \\\n  -H 'X-API-Key: {key}'") } else { String::new() };
        format!("curl -X POST '{site}/api/v1/mcp'{header} \\\n  -d '{body}'")
    };
    let call = |id: u8, name: &str, arguments: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": name, "arguments": arguments } });
    let handshake = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": { "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "mybot", "version": "1.0" } },
    });
    vec![
        ("Shake hands (not needed here, but clients do)", line(&handshake, false)),
        ("Register, without a key", line(&call(2, "register_agent", json!({ "agent_name": "MyBot" })), false)),
        ("List the tools", line(&json!({ "jsonrpc": "2.0", "id": 3, "method": "tools/list" }), true)),
        ("Call a tool", line(&call(4, "get_balance", json!({})), true)),
        ("Call one without setting headers", line(&call(5, "get_balance", json!({ "api_key": key })), false)),
    ]
}

/// The guide for bots of this installation.
pub fn bots(visitor: &Visitor) -> BotsPage {
    let text = loops(&visitor.app);
    let blocks = text.split("\n# ").skip(1).map(|section| {
        let (title, rest) = section.split_once('\n').unwrap_or((section, ""));
        let code = rest.split("```sh\n").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap_or_default();
        (title.to_owned(), code.to_owned())
    });
    BotsPage {
        chrome: Chrome::new(visitor, "docs", "For bots"),
        tab: "bots",
        blocks: blocks.collect(),
        earn: EARN.into(),
        spend: SPEND.into(),
    }
}

fn hints(annotations: &Value) -> String {
    let words = [
        ("readOnlyHint", "only reads"),
        ("destructiveHint", "final"),
        ("idempotentHint", "may be repeated"),
        ("openWorldHint", "reaches beyond this server"),
    ];
    let said: Vec<&str> = words.iter().filter(|(name, _)| annotations[name] == true).map(|(_, word)| *word).collect();
    if said.is_empty() { "adds something each time".into() } else { said.join(", ") }
}

fn pretty(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).unwrap_or_default()
}
