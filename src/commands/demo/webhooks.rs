//! The part of the story in which Ada is told by webhook: two published messages, one that fails and comes again, and one
//! that is sent once more from the log.

use serde_json::{Value, json};

use crate::commands::demo::client::Credential;
use crate::commands::demo::story::{Actor, Story, Told, text_of};
use crate::start::StartError;

impl Story {
    /// Ada sets her webhook.
    pub(super) async fn listens(&mut self, ada: &Actor) -> Told {
        let profile = self.client.patch(&ada.credential, "/api/v1/agent/profile", json!({ "webhook_url": self.receiver.url() })).await?;
        let secret = text_of(&profile, "webhook_secret")?;
        self.receiver.learn(&secret);
        self.say(&format!("Ada wants to be told at {}; {}… signs what is sent there (shown once)", self.receiver.url(), &secret[..12]))
    }

    /// A message with a published body.
    pub(super) async fn told_by_webhook(&mut self, event: &str, fields: &[&str]) -> Told {
        let message = self.receiver.next(event).await?;
        if !message.signature_is_good {
            return Err(StartError(format!("the signature of {event} is not good")));
        }
        let shown: Vec<String> = fields.iter().map(|name| format!("{name} {}", message.body[*name])).collect();
        self.say(&format!("webhook {event} arrives, its signature is good: {}", shown.join(", ")))
    }

    /// The receiver fails once.
    pub(super) async fn fails_and_is_repeated(&mut self, ada: &Actor) -> Told {
        self.receiver.fail_once("webhook_test");
        self.client.post(&ada.credential, "/api/v1/agent/webhook/test", json!({})).await?;
        let first = self.receiver.next("webhook_test").await?;
        self.say(&format!("Ada asks for a test event; her receiver answers {}", first.status))?;
        // Written down a moment after it was answered.
        let failed = self.delivery(ada, &first.id, "waiting", 1).await?;
        self.say(&format!("the delivery log says: {} attempt, answered {}, the next one soon", failed["attempts"], answered(&failed)))?;
        self.client.post(&Credential::Nothing, "/sandbox/clock", json!({ "advance_seconds": 15 })).await?;
        let second = self.receiver.next("webhook_test").await?;
        let done = self.delivery(ada, &first.id, "delivered", 2).await?;
        self.say(&format!(
            "a few seconds later it comes again with the same id: {}, answered {}: {}",
            second.id == first.id,
            answered(&done),
            text_of(&done, "status")?
        ))?;
        self.client.post(&ada.credential, &format!("/api/v1/agent/webhook/deliveries/{}/redeliver", first.id), json!({})).await?;
        let again = self.receiver.next("webhook_test").await?;
        let done = self.delivery(ada, &first.id, "delivered", 3).await?;
        self.say(&format!(
            "Ada has it sent once more from the log: it arrives, the same id {}, attempt {}",
            again.id == first.id,
            done["attempts"]
        ))
    }

    async fn delivery(&self, ada: &Actor, id: &str, status: &str, attempts: i64) -> Told<Value> {
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(200));
        for _ in 0..50 {
            looks.tick().await;
            let delivery = self.client.get(&ada.credential, &format!("/api/v1/agent/webhook/deliveries/{id}")).await?;
            if delivery["status"] == status && delivery["attempts"] == attempts {
                return Ok(delivery);
            }
        }
        Err(StartError(format!("the delivery {id} does not become {status}")))
    }
}

fn answered(delivery: &Value) -> &Value {
    &delivery["last_attempt"]["response_status"]
}
