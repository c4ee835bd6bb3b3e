//! Deposits come to the hot wallet when there is enough to be worth it; no balance changes.

use roborent::on_both_engines;
use serde_json::json;

use crate::{address_of, admin_of, available, chain, gateway, on_chain, settle};

async fn sweep(app: &roborent::testing::TestApp) {
    app.gateway().sweep_now().await.unwrap();
    settle(app).await;
}

on_both_engines! {
    async fn a_full_address_is_topped_up_and_swept(app) {
        let admin = admin_of(app, "root@example.com").await;
        let (rich, poor) = (app.rich_bot(120).await, app.rich_bot(20).await);
        let (full, little) = (address_of(app, &rich).await, address_of(app, &poor).await);
        let hot = gateway(app, &admin).await["hot_address"].as_str().unwrap().to_owned();
        let before = on_chain(app, &hot);
        sweep(app).await;
        assert_eq!(on_chain(app, &full), 120_000_000, "TRX come first");
        app.pour(rich.user_id, 7).await;
        sweep(app).await;
        sweep(app).await;
        assert_eq!((on_chain(app, &full), on_chain(app, &little)), (0, 20_000_000), "what came in between is swept, too");
        assert_eq!(on_chain(app, &hot), before + 127_000_000);
        assert_eq!(available(app, &rich).await, 127.0);
        let state = gateway(app, &admin).await;
        assert_eq!((&state["difference"], &state["deposit_addresses_usdt"]), (&json!(0.0), &json!(20.0)));
        assert_eq!(state["freezes"], json!([]));
    }

    async fn a_sweep_that_expires_is_made_again(app) {
        let bot = app.rich_bot(120).await;
        let address = address_of(app, &bot).await;
        sweep(app).await;
        chain(app, "faults", &json!({ "rules": [{ "kind": "accept_then_drop", "times": 1 }] }));
        sweep(app).await;
        assert_eq!(on_chain(app, &address), 120_000_000);
        app.advance(roborent::base::Span::minutes(8));
        settle(app).await;
        settle(app).await;
        assert_eq!(on_chain(app, &address), 0);
        assert_eq!(available(app, &bot).await, 120.0);
    }

    async fn a_doubled_price_of_energy_is_paid_or_waited_for(app) {
        let bot = app.rich_bot(120).await;
        let address = address_of(app, &bot).await;
        sweep(app).await;
        chain(app, "energy_price", &json!({ "sun": 200 }));
        for _ in 0..4 {
            sweep(app).await;
            app.advance(roborent::base::Span::seconds(11));
        }
        assert_eq!(on_chain(app, &address), 0, "topped up once more and swept");
    }

    async fn what_cannot_be_swept_rests_and_starves_nobody(app) {
        let admin = admin_of(app, "root@example.com").await;
        for n in 0..8 {
            let blocked = app.rich_bot(200 + n).await;
            chain(app, "blacklist", &json!({ "address": address_of(app, &blocked).await, "destroy": true }));
        }
        let last = app.rich_bot(60).await;
        let address = address_of(app, &last).await;
        settle(app).await;
        for _ in 0..3 {
            sweep(app).await;
        }
        assert_eq!(on_chain(app, &address), 0, "the ninth comes to its turn");
        let state = gateway(app, &admin).await;
        assert_eq!(state["orders"], json!([]), "nothing waits for the others");
        app.forget_shapes();
    }

    async fn a_sweep_that_failed_rests_and_is_planned_again(app) {
        let admin = admin_of(app, "root@example.com").await;
        let bot = app.rich_bot(120).await;
        let address = address_of(app, &bot).await;
        sweep(app).await;
        // It is estimated at one price and comes into a block at another: what the address had for the fee is burnt.
        chain(app, "hold", &json!({ "holding": true }));
        app.gateway().sweep_now().await.unwrap();
        app.gateway().round().await;
        chain(app, "energy_price", &json!({ "sun": 200 }));
        chain(app, "hold", &json!({ "holding": false }));
        settle(app).await;
        let dropped = app.get("/api/v1/admin/orders?state=dropped").key(&admin).send().await.expect(200).json();
        assert_eq!((dropped["items"].as_array().unwrap().len(), &dropped["items"][0]["kind"]), (1, &json!("sweep")));
        for _ in 0..3 {
            sweep(app).await;
        }
        assert_eq!(on_chain(app, &address), 120_000_000, "it rests");
        app.advance(roborent::base::Span::minutes(11));
        sweep(app).await;
        sweep(app).await;
        assert_eq!(on_chain(app, &address), 0, "with TRX for another fee");
    }

    async fn a_sweep_that_no_node_takes_is_planned_again(app) {
        let bot = app.rich_bot(120).await;
        let address = address_of(app, &bot).await;
        sweep(app).await;
        chain(app, "faults", &json!({ "rules": [{ "kind": "refuse", "code": "BANDWITH_ERROR", "times": 1 }] }));
        sweep(app).await;
        assert_eq!(on_chain(app, &address), 120_000_000);
        app.advance(roborent::base::Span::minutes(8));
        settle(app).await;
        settle(app).await;
        assert_eq!(on_chain(app, &address), 120_000_000, "not the same once more");
        app.advance(roborent::base::Span::minutes(11));
        sweep(app).await;
        assert_eq!(on_chain(app, &address), 0);
    }

    async fn the_first_sweep_to_a_cold_wallet_takes_more_energy_and_gets_it(app, |config| {
        config.chain.cold_address = crate::OUTSIDE.into();
        config.chain.hot_high_water = roborent::base::Usdt::from_micro(1_000_000);
    }) {
        let bot = app.rich_bot(120).await;
        let address = address_of(app, &bot).await;
        sweep(app).await;
        sweep(app).await;
        assert_eq!((on_chain(app, &address), on_chain(app, crate::OUTSIDE)), (0, 120_000_000), "topped up once");
    }

    async fn a_sweep_that_the_token_refuses_ends_and_is_planned_again(app) {
        let admin = admin_of(app, "root@example.com").await;
        let bot = app.rich_bot(120).await;
        let address = address_of(app, &bot).await;
        sweep(app).await;
        app.gateway().sweep_now().await.unwrap();
        chain(app, "token", &json!({ "paused": true }));
        chain(app, "mine", &json!({ "blocks": 1 }));
        settle(app).await;
        let dropped = app.get("/api/v1/admin/orders?state=dropped").key(&admin).send().await.expect(200).json();
        assert_eq!((dropped["items"].as_array().unwrap().len(), &dropped["items"][0]["attempts"]), (1, &json!([])), "{dropped}");
        sweep(app).await;
        assert_eq!(gateway(app, &admin).await["orders"], json!([]), "it rests");
        chain(app, "token", &json!({ "paused": false }));
        chain(app, "mine", &json!({ "blocks": 1 }));
        app.advance(roborent::base::Span::minutes(11));
        settle(app).await;
        sweep(app).await;
        assert_eq!((on_chain(app, &address), available(app, &bot).await), (0, json!(120.0)));
    }
}
