//! From nothing to money, with no human help and no header.

use roborent::on_both_engines;
use roborent::testing::Bot;
use serde_json::json;

use crate::client::{SDK, Stream, call, post, refusal, request, tool_call};

on_both_engines! {
    async fn an_agent_without_headers_earns_by_the_argument(app) {
        let creator = app.rich_bot(20).await;
        let registered = post(app, None, &tool_call("register_agent", &json!({ "agent_name": "Nameless" }))).await.expect(200).json();
        let key = registered["result"]["structuredContent"]["api_key"].clone();
        let user = registered["result"]["structuredContent"]["user_id"].as_str().unwrap().to_owned();
        let task = json!({ "title": "Say hello", "description": "Write one friendly line.", "category": "writing", "reward_usd": 2, "slots": 1 });
        let published = call(app, &creator, "publish_task", &task).await;
        let mine = async |name: &str, arguments: serde_json::Value| {
            let mut arguments = arguments;
            arguments["api_key"] = key.clone();
            let answer = post(app, None, &tool_call(name, &arguments)).await.expect(200).json();
            assert_eq!(answer["result"]["isError"], false, "{name}: {answer}");
            answer["result"]["structuredContent"].clone()
        };
        let found = mine("search_tasks", json!({ "category": "writing" })).await;
        assert_eq!(found["items"][0]["task_id"], published["task_id"]);
        let accepted = mine("accept_task", json!({ "task_id": published["task_id"], "idempotency_key": "take-1" })).await;
        assert_eq!(accepted["assignment_id"], accepted["acceptance_id"]);
        let proof = mine("submit_result", json!({ "task_id": published["task_id"], "proof_text": "Hello, friend." })).await;
        drop(call(app, &creator, "approve_submission", &json!({ "submission_id": proof["submission_id"] })).await);
        assert_eq!(mine("get_balance", json!({})).await["available_balance"], 1.8);
        let seen = mine("get_transactions", json!({})).await;
        assert_eq!(seen["items"][0]["amount"], 1.8);
        assert!(!user.is_empty());
    }

    async fn a_key_argument_is_offered_to_those_who_show_none(app) {
        let bot = app.bot().await;
        let has_argument = |list: &serde_json::Value, name: &str| {
            let tool = list["result"]["tools"].as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap();
            (!tool["inputSchema"]["properties"]["api_key"].is_null(), tool["inputSchema"]["required"].to_string().contains("api_key"))
        };
        let open = post(app, None, &request("tools/list", &json!({}))).await.expect(200).json();
        assert_eq!(has_argument(&open, "get_balance"), (true, false));
        assert_eq!(has_argument(&open, "register_agent"), (false, false));
        let keyed = post(app, Some(&bot), &request("tools/list", &json!({}))).await.expect(200).json();
        assert_eq!(has_argument(&keyed, "get_balance"), (false, false));
    }

    async fn wrong_and_foreign_keys_as_arguments_are_tool_errors(app) {
        let (bot, other) = (app.bot().await, app.bot().await);
        let none = post(app, None, &tool_call("get_balance", &json!({}))).await;
        assert!(refusal(&none).starts_with("authentication_required: ") && refusal(&none).contains("register_agent"));
        for wrong in [json!("rr_test_wrong"), json!(7), json!({}), json!("")] {
            let answer = post(app, None, &tool_call("get_balance", &json!({ "api_key": wrong }))).await;
            assert!(refusal(&answer).starts_with("invalid_api_key: "), "{wrong}");
        }
        let live = format!("rr_live_{}", &bot.key[8..]);
        let answer = refusal(&post(app, None, &tool_call("get_balance", &json!({ "api_key": live }))).await);
        assert!(answer.starts_with("invalid_api_key: ") || answer.starts_with("wrong_environment: "), "{answer}");
        let both = post(app, Some(&bot), &tool_call("get_balance", &json!({ "api_key": other.key }))).await;
        assert!(refusal(&both).starts_with("two_credentials: "));
        assert_eq!(call(app, &bot, "get_balance", &json!({ "api_key": bot.key })).await["total_balance"], 0.0);
        let second = app.post("/api/v1/agent/keys").key(&bot).json(&json!({ "name": "second" })).send().await.expect(201).json();
        assert_eq!(call(app, &bot, "get_balance", &json!({ "api_key": second["api_key"] })).await["total_balance"], 0.0);
    }

    async fn a_stream_belongs_to_whom_it_registered(app) {
        let mut stream = Stream::open(app, None).await;
        let hello = stream.ask(app, None, &request("initialize", &json!({ "protocolVersion": "2024-11-05" }))).await;
        assert_eq!(hello["result"]["protocolVersion"], "2024-11-05");
        let before = stream.ask(app, None, &tool_call("get_balance", &json!({}))).await;
        assert!(before["result"]["content"][0]["text"].as_str().unwrap().starts_with("authentication_required"));
        let registered = stream.ask(app, None, &tool_call("register_agent", &json!({}))).await;
        let me = Bot {
            user_id: serde_json::from_value(registered["result"]["structuredContent"]["user_id"].clone()).unwrap(),
            key: registered["result"]["structuredContent"]["api_key"].as_str().unwrap().to_owned(),
        };
        app.pour(me.user_id, 5).await;
        let after = stream.ask(app, None, &tool_call("get_balance", &json!({}))).await;
        assert_eq!(after["result"]["structuredContent"]["available_balance"], 5.0);
        let second = stream.ask(app, None, &tool_call("register_agent", &json!({}))).await;
        assert_eq!(second["result"]["isError"], false);
        let still = stream.ask(app, Some(&me), &tool_call("get_balance", &json!({}))).await;
        assert_eq!(still["result"]["structuredContent"]["available_balance"], 5.0, "a second registration changes nothing");
        let other = app.bot().await;
        let foreign = stream.post(app, Some(&other), &tool_call("get_balance", &json!({}))).await.expect(403);
        assert_eq!(foreign.json()["error"]["data"]["code"], "stream_of_another");
    }

    async fn what_is_written_once_happens_once_over_both_doors(app) {
        let creator = app.rich_bot(20).await;
        let task = json!({ "title": "Only once", "description": "Must not be there twice.", "category": "other", "reward_usd": 1, "slots": 3 });
        let over_rest = app.post("/api/v1/agent/tasks").key(&creator).header("idempotency-key", "once").json(&task).send().await.expect(201).json();
        let mut arguments = task.clone();
        arguments["idempotency_key"] = "once".into();
        let answer = app.post("/api/v1/mcp").header("accept", SDK).key(&creator).json(&tool_call("publish_task", &arguments)).send().await.expect(200).json();
        assert_eq!(answer["result"]["structuredContent"], over_rest);
        assert_eq!(answer["result"]["_meta"]["roborent/replayed"], true);
        let by_header = app.post("/api/v1/mcp").key(&creator).header("idempotency-key", "once").json(&tool_call("publish_task", &task)).send().await.expect(200).json();
        assert_eq!(by_header["result"]["structuredContent"], over_rest);
        assert_eq!(call(app, &creator, "get_balance", &json!({})).await["held_balance"], 3.0);
        arguments["slots"] = 4.into();
        let other = post(app, Some(&creator), &tool_call("publish_task", &arguments)).await;
        assert!(refusal(&other).starts_with("idempotency_key_reused: "));
        let dry = json!({ "dry_run": true, "title": "Dry", "description": "Nothing happens here.", "category": "other", "reward_usd": 1, "slots": 2 });
        assert_eq!(call(app, &creator, "publish_task", &dry).await["escrow_usd"], 2.0);
        assert_eq!(call(app, &creator, "get_balance", &json!({})).await["held_balance"], 3.0);
    }
}
