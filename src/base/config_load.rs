//! Reads the settings: defaults, then the file, then the environment, then the command line.
//!
//! Whatever is wrong is one clear line that names the setting, and the nearest known one when the name is unknown.

use std::path::Path;

use secrecy::ExposeSecret as _;
use toml::{Table, Value};

use crate::base::config::Config;
use crate::base::event_settings::Loopback;
use crate::base::money::Usdt;

/// Why the settings cannot be used, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

const PREFIX: &str = "ROBORENT__";

/// Reads the settings from a file and from environment variables given as (name, value).
pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let known = Table::try_from(Config::default()).map_err(|e| ConfigError(e.to_string()))?;
    let mut settings = Table::new();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).map_err(|e| ConfigError(format!("{}: {e}", path.display())))?;
        settings = text.parse::<Table>().map_err(|e| ConfigError(format!("{}: {}", path.display(), one_line(&e.to_string()))))?;
        check_names(&settings, &known, path)?;
    }
    for (name, value) in environment {
        if let Some(rest) = name.strip_prefix(PREFIX) {
            set(&mut settings, &known, &name, rest, &value)?;
        }
    }
    let mut config: Config = Value::Table(settings).try_into().map_err(|e: toml::de::Error| ConfigError(one_line(&e.to_string())))?;
    read_secret_files(&mut config)?;
    Ok(config)
}

/// Refuses settings that cannot work together.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let fail = |text: &str| Err(ConfigError(text.to_owned()));
    let sandbox = config.installation.network.is_sandbox();
    if !config.auth.secret.expose_secret().is_empty() && config.auth.secret.expose_secret().len() < 32 {
        return fail("auth.secret must have at least 32 characters");
    }
    if !sandbox && !config.database.url.expose_secret().is_empty() && config.auth.secret.expose_secret().is_empty() {
        return fail("auth.secret (or auth.secret_file) must be set when several nodes share a PostgreSQL database");
    }
    if !sandbox && !config.server.public_url.starts_with("https://") {
        return fail("server.public_url must be set to an https:// address on a real network");
    }
    if config.server.public_url.ends_with('/') {
        return fail("server.public_url must not end with a slash");
    }
    if config.limits.sign_in.window.is_in_the_database() || config.limits.refresh.window.is_in_the_database() {
        return fail("limits.sign_in and limits.refresh are kept in memory: give them per minute or per second, such as \"10/min\"");
    }
    if !config.mail.smtp_url.expose_secret().is_empty() && !config.mail.from.contains('@') {
        return fail("mail.from must be set to an address where mail.smtp_url is");
    }
    if config.database.readers == 0 || config.database.writers == 0 || config.database.queue_max == 0 {
        return fail("database.readers, database.writers and database.queue_max must be at least 1");
    }
    let webhooks = &config.webhooks;
    if webhooks.allow_loopback == Loopback::Yes && !sandbox {
        return fail("webhooks.allow_loopback is for the sandbox only");
    }
    if webhooks.timeout_ms == 0 || webhooks.attempts_at_once == 0 || webhooks.attempts_at_once_per_endpoint == 0 {
        return fail("webhooks.timeout_ms, webhooks.attempts_at_once and webhooks.attempts_at_once_per_endpoint must be at least 1");
    }
    let market = &config.market;
    if market.fee_basis_points > 10_000 || market.commission_basis_points > 5_000 {
        return fail("market.fee_basis_points is at most 10000, market.commission_basis_points at most 5000");
    }
    if market.reward_min == Usdt::ZERO || market.escrow_max < market.reward_min {
        return fail("market.reward_min must be more than 0, and market.escrow_max not less than it");
    }
    if market.task_days_default == 0 || market.task_days_default > market.task_days_max {
        return fail("market.task_days_default must be at least 1 and at most market.task_days_max");
    }
    check_chain(config)?;
    if config.server.body_bytes_max < 1_024 || config.server.timeout_seconds == 0 || config.server.admin_timeout_seconds == 0 {
        return fail("server.body_bytes_max must be at least 1024, server.timeout_seconds and server.admin_timeout_seconds at least 1");
    }
    let mcp = &config.mcp;
    if mcp.body_bytes_max < 1_024 || mcp.timeout_seconds == 0 || mcp.batch_timeout_seconds == 0 || mcp.stream_idle_seconds == 0 {
        return fail("mcp.body_bytes_max must be at least 1024, the times of mcp at least 1");
    }
    if let Some(origin) = mcp.allowed_origins.iter().find(|origin| !origin.contains("://")) {
        return fail(&format!("mcp.allowed_origins: `{origin}` must be a scheme and a host, such as https://app.example"));
    }
    if config.server.connections_max == 0 || config.server.header_timeout_seconds == 0 || config.server.idle_timeout_seconds == 0 {
        return fail("server.connections_max, server.header_timeout_seconds and server.idle_timeout_seconds must be at least 1");
    }
    Ok(())
}

/// Withdrawals, and what a real network needs.
fn check_chain(config: &Config) -> Result<(), ConfigError> {
    let fail = |text: &str| Err(ConfigError(text.to_owned()));
    let (withdrawals, chain) = (&config.withdrawals, &config.chain);
    if withdrawals.min <= withdrawals.fee || withdrawals.payout_max < withdrawals.min {
        return fail("withdrawals.min must be more than withdrawals.fee, and withdrawals.payout_max not less than it");
    }
    if withdrawals.review_days == 0 || withdrawals.daily_count == 0 {
        return fail("withdrawals.review_days and withdrawals.daily_count must be at least 1");
    }
    if chain.deposit_min == Usdt::ZERO || chain.poll_ms == 0 || chain.lease_seconds == 0 || config.devnet.block_ms == 0 {
        return fail("chain.deposit_min must be more than 0, chain.poll_ms, chain.lease_seconds and devnet.block_ms at least 1");
    }
    if !(60..=3_600).contains(&chain.payout_expiration_seconds) {
        return fail("chain.payout_expiration_seconds must be 60 to 3600");
    }
    if chain.quorum == 0 || chain.quorum > chain.providers.len().max(1) {
        return fail("chain.quorum must be at least 1 and at most the number of chain.providers");
    }
    if chain.provider_rps.len() > chain.providers.len() {
        return fail("chain.provider_rps names more providers than chain.providers");
    }
    chain.provider_urls().map_err(ConfigError)?;
    if !chain.genesis_id.is_empty() && !is_block_id(&chain.genesis_id) {
        return fail("chain.genesis_id must be 64 hex digits in lower case, or empty for that of the network");
    }
    if chain.fee_limit_max_trx == 0 {
        return fail("chain.fee_limit_max_trx must be at least 1: with 0 every payout waits");
    }
    if chain.hot_low_water > chain.hot_high_water {
        return fail("chain.hot_low_water must not be more than chain.hot_high_water");
    }
    if config.installation.network.is_sandbox() {
        return Ok(());
    }
    chain.check_providers().map_err(ConfigError)?;
    if chain.deposit_xpub.is_empty() || chain.hot_address.is_empty() {
        return fail("chain.deposit_xpub and chain.hot_address must be set on a real network; roborent wallet init prints them");
    }
    if config.server.role.pays() && (chain.providers.is_empty() || chain.hot_key_file.is_empty()) {
        return fail("chain.providers and chain.hot_key_file must be set where the gateway runs");
    }
    let has_keys = !chain.hot_key_file.is_empty() || !chain.deposit_key_file.is_empty();
    if has_keys && !config.server.role.pays() {
        return fail("chain.hot_key_file and chain.deposit_key_file belong to the role gateway alone: remove them here");
    }
    Ok(())
}

fn is_block_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// Every key as `section.key`.
fn names(known: &Table) -> Vec<String> {
    let sections = known.iter().filter_map(|(section, keys)| Some((section, keys.as_table()?)));
    sections.flat_map(|(section, keys)| keys.keys().map(move |key| format!("{section}.{key}"))).collect()
}

fn check_names(settings: &Table, known: &Table, path: &Path) -> Result<(), ConfigError> {
    for (section, keys) in settings {
        let Some(keys) = keys.as_table() else {
            return Err(ConfigError(format!("{}: `{section}` stands outside of a [section]", path.display())));
        };
        for key in keys.keys() {
            let name = format!("{section}.{key}");
            if !names(known).contains(&name) {
                return Err(ConfigError(format!(
                    "{}: unknown setting `{name}`; did you mean `{}`?",
                    path.display(),
                    nearest(&name, &names(known))
                )));
            }
        }
    }
    Ok(())
}

fn set(settings: &mut Table, known: &Table, variable: &str, rest: &str, text: &str) -> Result<(), ConfigError> {
    let name = rest.to_ascii_lowercase().replacen("__", ".", 1);
    let place = name.split_once('.').and_then(|(section, key)| Some((section, key, known.get(section)?.get(key)?)));
    let Some((section, key, default)) = place else {
        let close = nearest(&name, &names(known)).to_ascii_uppercase().replacen('.', "__", 1);
        return Err(ConfigError(format!("unknown setting {variable}; did you mean {PREFIX}{close}?")));
    };
    let value = match default {
        Value::Integer(_) => text
            .trim()
            .parse()
            .map(Value::Integer)
            .map_err(|_| ConfigError(format!("{variable} must be a whole number, not \"{text}\"")))?,
        Value::Boolean(_) => {
            text.trim().parse().map(Value::Boolean).map_err(|_| ConfigError(format!("{variable} must be true or false, not \"{text}\"")))?
        }
        Value::Array(_) => Value::Array(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect()),
        Value::String(_) | Value::Float(_) | Value::Datetime(_) | Value::Table(_) => Value::String(text.to_owned()),
    };
    let section = settings.entry(section).or_insert_with(|| Value::Table(Table::new()));
    let Some(keys) = section.as_table_mut() else { return Err(ConfigError(format!("{variable}: the section is not a table"))) };
    keys.insert(key.to_owned(), value);
    // Read once more as a whole, so that the message can name the variable.
    let alone = Table::from_iter([(
        name.split('.').next().unwrap_or_default().to_owned(),
        Value::Table(Table::from_iter([(key.to_owned(), keys[key].clone())])),
    )]);
    let read: Result<Config, toml::de::Error> = Value::Table(alone).try_into();
    read.map(drop).map_err(|e| ConfigError(format!("{variable}: {}", one_line(e.message()))))
}

fn read_secret_files(config: &mut Config) -> Result<(), ConfigError> {
    let pairs = [
        (&mut config.database.url, &config.database.url_file, "database.url_file"),
        (&mut config.auth.secret, &config.auth.secret_file, "auth.secret_file"),
        (&mut config.mail.smtp_url, &config.mail.smtp_url_file, "mail.smtp_url_file"),
        (&mut config.chain.passphrase, &config.chain.passphrase_file, "chain.passphrase_file"),
    ];
    for (secret, file, name) in pairs {
        if !file.is_empty() {
            let text = std::fs::read_to_string(file).map_err(|e| ConfigError(format!("{name}: {file}: {e}")))?;
            *secret = text.trim().to_owned().into();
        }
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn nearest(name: &str, known: &[String]) -> String {
    known.iter().min_by_key(|candidate| distance(name, candidate)).cloned().unwrap_or_default()
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limit::Limit;

    fn from_environment(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        load(None, pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn every_setting_has_an_environment_name() {
        let config = from_environment(&[
            ("ROBORENT__LIMITS__REGISTER", "1000/h"),
            ("ROBORENT__SERVER__LISTEN", "127.0.0.1:9999"),
            ("ROBORENT__SERVER__TRUSTED_PROXIES", "10.0.0.1, ::1"),
            ("ROBORENT__DATABASE__READERS", "7"),
            ("PATH", "/bin"),
        ])
        .expect("known settings");
        assert_eq!(config.limits.register, Limit::per_hour(1_000));
        assert_eq!(config.server.trusted_proxies.len(), 2);
        assert_eq!(config.database.readers, 7);
    }

    #[test]
    fn a_wrong_setting_is_one_line_that_names_it() {
        for (pair, expected) in [
            (("ROBORENT__LIMITS__REGSTER", "5/h"), "did you mean ROBORENT__LIMITS__REGISTER?"),
            (("ROBORENT__LIMITS__REGISTER", "5 per hour"), "ROBORENT__LIMITS__REGISTER: expected a limit such as"),
            (("ROBORENT__DATABASE__READERS", "many"), "must be a whole number"),
            (("ROBORENT__SERVER__LISTEN", "localhost"), "ROBORENT__SERVER__LISTEN: "),
            (("ROBORENT__NONSENSE", "1"), "unknown setting ROBORENT__NONSENSE"),
        ] {
            let error = from_environment(&[pair]).expect_err(pair.0).to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{error}");
        }
    }
}
