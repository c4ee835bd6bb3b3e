//! Balances and history.

use roborent::base::Span;
use roborent::on_both_engines;
use serde_json::{Value, json};

on_both_engines! {
    async fn what_comes_in_is_seen_in_the_balance_and_the_history(app) {
        let bot = app.bot().await;
        drop(app.post("/sandbox/faucet").json(&json!({ "user_id": bot.user_id, "usdt": "12.345678" })).send().await.expect(200));
        let balance = app.get("/api/v1/finance/balance").key(&bot).send().await.expect(200).json();
        assert_eq!(balance, json!({ "available_balance": 12.345_678, "held_balance": 0.0, "total_balance": 12.345_678 }));
        let line = app.get("/api/v1/finance/transactions").key(&bot).send().await.expect(200).json()["items"][0].clone();
        let names: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(names, ["id", "kind", "amount", "balance_after", "reference", "description", "created_at"]);
        assert_eq!(line["kind"], "deposit");
        assert_eq!(line["amount"], 12.345_678);
        let deposits = app.get("/api/v1/finance/deposits").key(&bot).send().await.expect(200).json();
        assert_eq!(line["reference"], deposits["items"][0]["deposit_id"]);
        assert_eq!(line["created_at"], json!(app.now()));
    }

    async fn the_history_comes_in_pages_without_gaps(app) {
        let bot = app.bot().await;
        for usdt in 1..=25 {
            app.pour(bot.user_id, usdt).await;
            app.advance(Span::minutes(1));
        }
        let mut seen: Vec<Value> = Vec::new();
        let mut path = "/api/v1/finance/transactions?limit=10".to_owned();
        loop {
            let page = app.get(&path).key(&bot).send().await.expect(200).json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|line| line["amount"].clone()));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/api/v1/finance/transactions?limit=10&cursor={cursor}"),
                None => break,
            }
        }
        let expected: Vec<Value> = (1..=25).rev().map(|usdt| json!(f64::from(usdt))).collect();
        assert_eq!(seen, expected);
    }

    async fn the_history_is_filtered_by_kind_and_time(app) {
        let bot = app.bot().await;
        let start = app.now();
        for usdt in 1..=3 {
            app.pour(bot.user_id, usdt).await;
            app.advance(Span::hours(1));
        }
        let amounts = async |query: String| {
            let page = app.get(&format!("/api/v1/finance/transactions?{query}")).key(&bot).send().await.expect(200).json();
            page["items"].as_array().unwrap().iter().map(|line| line["amount"].to_string()).collect::<Vec<_>>()
        };
        let (one, two) = (start.plus(Span::hours(1)), start.plus(Span::hours(2)));
        assert_eq!(amounts(format!("from={one}&to={two}")).await, ["2.0"]);
        assert_eq!(amounts(format!("to={two}")).await, ["2.0", "1.0"]);
        assert_eq!(amounts("kind=deposit".into()).await.len(), 3);
        assert_eq!(amounts("kind=publish".into()).await.len(), 0);
        assert_eq!(app.get("/api/v1/finance/transactions?kind=gift").key(&bot).send().await.expect(422).code(), "invalid_field");
    }

    async fn the_statement_is_a_file_with_the_same_lines(app) {
        let bot = app.bot().await;
        app.pour(bot.user_id, 7).await;
        app.pour(bot.user_id, 1).await;
        let answer = app.get("/api/v1/finance/statement.csv").key(&bot).send().await.expect(200);
        assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
        let text = String::from_utf8(answer.body.clone()).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], "created_at,id,kind,amount,balance_after,reference,description");
        assert!(lines[1].contains(",deposit,1.00,8.00,") && lines[2].contains(",deposit,7.00,7.00,"), "{text}");
        assert_eq!(lines.len(), 4);
    }

    async fn a_cursor_of_another_list_is_refused(app) {
        let bot = app.bot().await;
        for cursor in ["nonsense", "!!!", "b3RoZXI6NQ", "dHJhbnNhY3Rpb25zOng"] {
            let answer = app.get(&format!("/api/v1/finance/transactions?cursor={cursor}")).key(&bot).send().await.expect(400);
            assert_eq!(answer.code(), "invalid_cursor", "{cursor}");
        }
    }
}
