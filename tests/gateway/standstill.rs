//! A chain that stands still for ten minutes of the machine's time stops payouts, and nobody has to lift that.

use std::time::Duration;

use roborent::on_both_engines;
use roborent::testing::{Bot, TestApp};
use serde_json::json;

use crate::{OUTSIDE, admin_of, chain, frozen, gateway, let_out, settle, status};

const ALMOST: Duration = Duration::from_secs(9 * 60 + 50);
const REST: Duration = Duration::from_secs(11);

/// The chain stands still: payouts are stopped when ten minutes are over, not before.
async fn stand_still(app: &TestApp, admin: &Bot) {
    app.gateway().round().await;
    app.gateway().wait_for_blocks(ALMOST);
    app.gateway().round().await;
    assert_eq!(frozen(&gateway(app, admin).await), [""; 0]);
    app.gateway().wait_for_blocks(REST);
    app.gateway().round().await;
    assert_eq!(frozen(&gateway(app, admin).await), ["stale_chain"]);
}

on_both_engines! {
    async fn it_lifts_when_the_chain_moves(app) {
        let (bot, admin) = (app.rich_bot(100).await, admin_of(app, "root@example.com").await);
        stand_still(app, &admin).await;
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        app.gateway().round().await;
        assert_eq!(status(app, &bot, &id).await, "queued", "nothing is signed");
        // Blocks that are not solid are no news.
        chain(app, "mine", &json!({ "blocks": 0 }));
        app.gateway().round().await;
        assert_eq!(frozen(&gateway(app, &admin).await), ["stale_chain"]);
        chain(app, "mine", &json!({ "blocks": 3 }));
        app.gateway().round().await;
        assert_eq!(frozen(&gateway(app, &admin).await), [""; 0]);
        app.advance(roborent::base::Span::seconds(11));
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
    }

    async fn nodes_that_do_not_answer_are_a_standstill_too(app) {
        let admin = admin_of(app, "root@example.com").await;
        chain(app, "faults", &json!({ "rules": [{ "kind": "status", "code": 503 }] }));
        stand_still(app, &admin).await;
        chain(app, "faults", &json!({ "rules": [] }));
        chain(app, "mine", &json!({ "blocks": 3 }));
        app.gateway().round().await;
        assert_eq!(frozen(&gateway(app, &admin).await), [""; 0]);
    }

    async fn it_lifts_after_a_restart_too(app) {
        let admin = admin_of(app, "root@example.com").await;
        stand_still(app, &admin).await;
        let next = crate::rivals::Rival::of(app, 1, 1, "nowhere").await;
        next.outlast_the_lease(app);
        next.gateway.round().await;
        assert_eq!(frozen(&gateway(app, &admin).await), ["stale_chain"], "a new process has seen no block yet");
        chain(app, "mine", &json!({ "blocks": 3 }));
        next.gateway.round().await;
        assert_eq!(frozen(&gateway(app, &admin).await), [""; 0]);
    }
}
