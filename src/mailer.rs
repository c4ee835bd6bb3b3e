//! Sends the mails that transactions wrote, over SMTP with TLS. A mail is claimed before it is handed over, so a server
//! that dies in between sends it again later rather than never.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;

use crate::base::Result;
use crate::base::call::Dispatcher;
use crate::base::config::MailSettings;
use crate::users::people::mails::{self, DueMail};

const PATIENCE: Duration = Duration::from_secs(20);

/// Job: sends what is due.
pub async fn send_mails(dispatcher: Arc<Dispatcher>) -> Result<()> {
    let config = Arc::clone(&dispatcher.config);
    if !config.mail.sends(config.installation.network) {
        return Ok(());
    }
    let due = dispatcher.look(mails::due).await?;
    if due.is_empty() {
        return Ok(());
    }
    let transport = match transport(&config.mail) {
        Ok(transport) => transport,
        Err(why) => {
            tracing::warn!(why, "mails wait: mail.smtp_url cannot be used");
            return Ok(());
        }
    };
    for mail in due {
        let (id, claimed) = (mail.id, mail.clone());
        dispatcher.system(move |cx| mails::claim(cx, &claimed)).await?;
        match send(&transport, &config.mail.from, mail).await {
            Ok(()) => dispatcher.system(move |cx| mails::sent(cx, id)).await?,
            Err(why) => tracing::warn!(why, %id, "a mail was not taken; it is tried again"),
        }
    }
    Ok(())
}

/// Whether the settings name a mail server that could be asked.
///
/// # Errors
/// What is wrong with them, without the password.
pub fn check(settings: &MailSettings) -> Result<(), String> {
    builder(settings)?;
    settings.from.parse::<lettre::message::Mailbox>().map(drop).map_err(|error| format!("mail.from: {error}"))
}

/// Has to be called where tokio runs.
fn transport(settings: &MailSettings) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    Ok(builder(settings)?.timeout(Some(PATIENCE)).build())
}

fn builder(settings: &MailSettings) -> Result<AsyncSmtpTransportBuilder, String> {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(settings.smtp_url.expose_secret());
    builder.map_err(|_| "mail.smtp_url is not an address of a mail server".to_owned())
}

async fn send(transport: &AsyncSmtpTransport<Tokio1Executor>, from: &str, mail: DueMail) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let message = Message::builder()
        .from(from.parse().map_err(|e| text(&e))?)
        .to(mail.recipient.parse().map_err(|e| text(&e))?)
        .subject(mail.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(mail.body)
        .map_err(|e| text(&e))?;
    transport.send(message).await.map(drop).map_err(|e| text(&e))
}
