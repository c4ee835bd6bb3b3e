//! What the operator does to sign-in from the command line, also while a server runs.

use std::sync::Arc;

use crate::base::config::Config;
use crate::commands::{say, wait_for};
use crate::start::{self, StartError};
use crate::users::{self, password};

pub(super) fn create(config: Config, email: &str, password: &str) -> Result<(), StartError> {
    let failed = |error: crate::base::Error| StartError(error.to_string());
    let password = match password {
        "-" => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).map_err(|e| StartError(e.to_string()))?;
            line.trim_end_matches(['\r', '\n']).to_owned()
        }
        given => given.to_owned(),
    };
    password::check_strength(&password, email).map_err(failed)?;
    let store = start::open_store(&config)?;
    let email = email.to_owned();
    let closing = store.clone();
    let user = wait_for(async move {
        let dispatcher = start::dispatcher(store, Arc::new(config)).await?;
        let hash = password::hash(&password, &mut dispatcher.entropy().fork()).map_err(failed)?;
        dispatcher.system(move |cx| users::create_admin(cx, &email, &hash)).await.map_err(failed)
    })?;
    closing.close();
    say(&format!("admin {} ({}) can sign in", user.username, user.id))
}

pub(super) fn rotate_jwt_key(config: Config) -> Result<(), StartError> {
    let store = start::open_store(&config)?;
    let closing = store.clone();
    let old = wait_for(async move {
        let dispatcher = start::dispatcher(store, Arc::new(config)).await?;
        start::rotate_signing_key(&dispatcher).await
    })?;
    closing.close();
    say(&format!("a new key is published and signs within 15 minutes; {old} signed until now and stay published for 2 hours after that"))
}
