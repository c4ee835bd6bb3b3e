//! The files that lead agents here: they name every tool, they are cached, and their examples work as they stand.

use roborent::doors::docs::agents::calls;
use roborent::doors::docs::guide::your_key;
use roborent::testing::{Answered, Engine, TestApp};
use serde_json::{Value, json};

async fn text(app: &TestApp, path: &str) -> String {
    let found = app.get(path).send().await.expect(200);
    let tag = found.header("etag").map(str::to_owned);
    if let Some(tag) = tag {
        drop(app.get(path).header("if-none-match", &tag).send().await.expect(304));
    }
    String::from_utf8(found.body).unwrap()
}

/// Runs a line for curl as a shell would.
async fn curl(app: &TestApp, line: &str) -> Answered {
    let mut words: Vec<String> = Vec::new();
    for (number, piece) in line.replace("\\\n", " ").split('\'').enumerate() {
        if number % 2 == 1 { words.push(piece.to_owned()) } else { words.extend(piece.split_whitespace().map(str::to_owned)) }
    }
    let after = |flag: &str| words.iter().position(|word| word == flag).map(|at| words[at + 1].clone());
    let url = words.iter().find(|word| word.starts_with("http://")).unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
    assert_eq!(words[0], "curl");
    let mut ask = app.ask(&after("-X").unwrap(), path).from([6, 6, 6, 6]);
    if let Some((name, value)) = after("-H").as_deref().and_then(|header| header.split_once(": ")) {
        ask = ask.header(name, value);
    }
    match after("-d") {
        Some(body) => ask.header("content-type", "application/x-www-form-urlencoded").body(body),
        None => ask,
    }
    .send()
    .await
}

fn blocks(text: &str) -> Vec<Vec<String>> {
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.map(|block| block.replace("\ncurl ", "\n\0curl ").split("\n\0").map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn the_texts_for_agents_name_everything() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let (short, full, skill) = (text(&app, "/llms.txt").await, text(&app, "/llms-full.txt").await, text(&app, "/skill.md").await);
    assert!(short.starts_with("# roborent\n\n> ") && short.len() <= 8_192, "{}", short.len());
    assert!(skill.starts_with("---\nname: roborent\ndescription: "));
    let pages = (text(&app, "/docs/mcp").await, text(&app, "/docs/bots").await);
    for operation in &app.app.operations {
        assert!(full.contains(&format!("## {}\n", operation.name)), "{}", operation.name);
        assert!(operation.tool.is_none() || pages.0.contains(&format!("id=\"{}\"", operation.name)), "{}", operation.name);
    }
    for facts in roborent::doors::docs::codes() {
        assert!(full.contains(&format!("`{}`", facts.code)), "{}", facts.code);
    }
    // Every place that the short one leads to is there.
    for link in short.split("](http://127.0.0.1:8080").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
        let page = text(&app, path).await;
        assert!(anchor.is_empty() || page.contains(&format!("id=\"{anchor}\"")), "{link}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_examples_of_both_loops_work() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let guide = text(&app, "/llms-full.txt").await;
    let blocks = blocks(&guide);
    assert_eq!(blocks.len(), 3);
    let registered = curl(&app, &blocks[0][0]).await.expect(201).json();
    let worker = registered["api_key"].as_str().unwrap().to_owned();
    let creator = app.rich_bot(100).await;
    let fill = |line: &str, key: &str, ids: &[(&str, &Value)]| {
        let line = line.replace(your_key(&app.app), key);
        ids.iter().fold(line, |line, (name, id)| line.replace(name, id.as_str().unwrap()))
    };
    let run = async |line: String| {
        let answer = curl(&app, &line).await;
        assert!(answer.status < 300, "{line}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        answer.json()
    };
    let published = run(fill(&blocks[2][1], &creator.key, &[])).await;
    let task = &published["task_id"];
    for line in &blocks[1] {
        drop(run(fill(line, &worker, &[("TASK_ID", task)])).await);
    }
    let mut proof = Value::Null;
    for line in blocks[2].iter().skip(2) {
        let line = if line.contains("SUBMISSION_ID") {
            fill(line, &creator.key, &[("SUBMISSION_ID", &proof)])
        } else {
            fill(line, &creator.key, &[("TASK_ID", task)])
        };
        let answer = run(line).await;
        if let Some(item) = answer["items"].as_array().and_then(|items| items.first()) {
            proof = item["submission_id"].clone();
        }
    }
    let balance = run(fill(blocks[1].last().unwrap(), &worker, &[])).await;
    assert_eq!(balance["available_balance"], 0.45);
    assert!(text(&app, "/docs/bots").await.contains("search_tasks"));
    app.finish().await;
}

#[tokio::test]
async fn the_examples_of_the_mcp_page_work() {
    let app = TestApp::start(Engine::Sqlite).await.unwrap();
    let page = text(&app, "/docs/mcp").await;
    let bot = app.bot().await;
    for (title, line) in calls(&app.app) {
        assert!(page.contains(title), "{title}");
        let answer = curl(&app, &line.replace(your_key(&app.app), &bot.key)).await.expect(200).json();
        assert!(answer["result"].is_object() && answer["result"]["isError"] != json!(true), "{title}: {answer}");
    }
    app.finish().await;
}

#[tokio::test]
async fn registries_find_the_door() {
    let app = TestApp::start_with(Engine::Sqlite, |config| config.server.public_url = "https://www.market.example".into()).await.unwrap();
    let entry: Value = serde_json::from_str(&text(&app, "/server.json").await).unwrap();
    assert_eq!(entry["name"], "example.market/roborent");
    assert!(entry["description"].as_str().unwrap().len() <= 100);
    assert_eq!(
        entry["remotes"],
        json!([{ "type": "streamable-http", "url": "https://www.market.example/api/v1/mcp" }, { "type": "sse", "url": "https://www.market.example/api/v1/mcp/sse" }])
    );
    let card = app.get("/api/v1/mcp/server-card").send().await.expect(200);
    assert_eq!(card.header("content-type"), Some("application/mcp-server-card+json"));
    assert!(card.json().get("tools").is_none());
    let catalog: Value = serde_json::from_str(&text(&app, "/.well-known/ai-catalog.json").await).unwrap();
    assert_eq!(catalog["entries"][0]["url"], "https://www.market.example/api/v1/mcp/server-card");
    assert_eq!(text(&app, "/.well-known/mcp.json").await, text(&app, "/api/v1/mcp").await);
    assert_eq!(app.get("/.well-known/agent-card.json").send().await.status, 404);
    assert_eq!(app.get("/.well-known/oauth-protected-resource/api/v1/mcp").send().await.status, 404);
    app.finish().await;
}
