//! `roborent check-config`: what a server would refuse is refused before it starts.

use crate::keys::{DRAWN, IMPORT, LEFT, MAINNET, PASSPHRASE, after, two};
use crate::place::Place;

const CHECK: [&str; 1] = ["check-config"];
const ELSEWHERE: &str = "TQn9Y2khEsLJW1ChVWFMSMeRDow5KcbLSE";

/// The settings of an installation that has everything, as names and values.
struct Settings(Vec<(String, String)>);

impl Settings {
    /// With keys made in this place.
    fn of(place: &Place) -> Self {
        let told = place.told(&[PASSPHRASE, MAINNET], &IMPORT, &two(DRAWN, LEFT));
        let mut settings = Self(Vec::new());
        for (name, value) in [
            MAINNET,
            PASSPHRASE,
            ("SERVER__PUBLIC_URL", "https://market.example"),
            ("CHAIN__PROVIDERS", "https://api.trongrid.io,http://127.0.0.1:8090"),
            ("CHAIN__QUORUM", "2"),
            ("CHAIN__COLD_ADDRESS", ELSEWHERE),
        ] {
            settings.set(name, value);
        }
        for name in ["deposit_xpub", "hot_address", "deposit_key_file", "hot_key_file"] {
            settings.set(&format!("CHAIN__{}", name.to_uppercase()), &after(&told, &format!("{name} = ")));
        }
        settings
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    fn get(&self, name: &str) -> String {
        self.0.iter().find(|(other, _)| other == name).unwrap().1.clone()
    }

    fn all(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The same but for these.
    fn with(&self, changes: &[(&str, &str)]) -> Self {
        let mut copy = Self(self.0.clone());
        for (name, value) in changes {
            copy.set(name, value);
        }
        copy
    }
}

#[test]
fn settings_that_a_server_would_refuse_do_not_pass() {
    let place = Place::new();
    let good = Settings::of(&place);
    let shown = place.told(&good.all(), &CHECK, "");
    assert!(shown.contains("passphrase = \"(set, hidden)\"") && !shown.contains(PASSPHRASE.1), "{shown}");
    let (xpub, hot) = (good.get("CHAIN__DEPOSIT_XPUB"), good.get("CHAIN__HOT_ADDRESS"));
    let (deposit_file, hot_file) = (good.get("CHAIN__DEPOSIT_KEY_FILE"), good.get("CHAIN__HOT_KEY_FILE"));
    let swapped = format!("{}{}", &hot[..hot.len() - 1], if hot.ends_with('1') { '2' } else { '1' });
    for (changes, expected) in [
        (&[("CHAIN__HOT_ADDRESS", swapped.as_str())][..], "chain.hot_address \""),
        (&[("CHAIN__HOT_ADDRESS", "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8")], "and the key is that of"),
        (&[("CHAIN__DEPOSIT_XPUB", &xpub[..100])], "chain.deposit_xpub: this is not an extended key"),
        (&[("CHAIN__COLD_ADDRESS", "cold")], "chain.cold_address \"cold\": "),
        (&[("CHAIN__COLD_ADDRESS", &hot)], "must not be the same"),
        (&[("CHAIN__HOT_KEY_FILE", "/nowhere/hot.keystore")], "/nowhere/hot.keystore: "),
        (&[("CHAIN__DEPOSIT_KEY_FILE", "/nowhere/deposit.keystore")], "/nowhere/deposit.keystore: "),
        (&[("CHAIN__HOT_KEY_FILE", &deposit_file), ("CHAIN__DEPOSIT_KEY_FILE", &hot_file)], "this keystore holds another kind of key"),
        (&[("CHAIN__PASSPHRASE", "wrong horse battery")], "hot.keystore: the passphrase does not open this keystore"),
        (&[("CHAIN__PASSPHRASE", "")], "chain.passphrase or chain.passphrase_file must be set"),
        (&[("CHAIN__PROVIDERS", "trongrid"), ("CHAIN__QUORUM", "1")], "chain.providers: \"trongrid\" is no address"),
        (&[("CHAIN__API_KEYS_FILE", "/nowhere/keys")], "chain.api_keys_file: /nowhere/keys: "),
        (&[("LOG__LEVEL", "roborent=loud")], "log.level: "),
        (&[("MAIL__SMTP_URL", "mail.example"), ("MAIL__FROM", "a@b.example")], "mail.smtp_url is not an address"),
    ] {
        let line = place.refused(&good.with(changes).all(), &CHECK, "");
        assert!(line.starts_with("roborent: ") && line.contains(expected), "{expected}: {line}");
        assert!(!line.contains("horse"), "{line}");
    }
    let mails = [("MAIL__SMTP_URL", "smtps://user:password@mail.example"), ("MAIL__FROM", "Market <market@example.com>")];
    place.told(&good.with(&mails).all(), &CHECK, "");
    assert!(!place.path("data/roborent.sqlite").exists(), "checking makes nothing");
}

#[test]
fn a_server_without_keys_is_asked_for_none() {
    let place = Place::new();
    let mut settings = Settings::of(&place);
    for name in ["DEPOSIT_KEY_FILE", "HOT_KEY_FILE", "PASSPHRASE"] {
        settings.set(&format!("CHAIN__{name}"), "");
    }
    settings.set("CHAIN__API_KEYS_FILE", "/nowhere/keys");
    for role in ["web", "jobs"] {
        place.told(&settings.all(), &[CHECK[0], "--role", role], "");
        let line = place.refused(&settings.with(&[("CHAIN__COLD_ADDRESS", "cold")]).all(), &[CHECK[0], "--role", role], "");
        assert!(line.contains("chain.cold_address"), "{line}");
    }
    // And a sandbox for nothing at all.
    place.told(&[], &CHECK, "");
}

#[test]
fn settings_that_cost_money_are_refused() {
    let place = Place::new();
    let good = Settings::of(&place);
    let genesis = "00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc";
    place.told(&good.with(&[("CHAIN__GENESIS_ID", genesis)]).all(), &CHECK, "");
    for (changes, expected) in [
        (&[("CHAIN__PROVIDERS", "https://api.trongrid.io,https://API.trongrid.io/")][..], "api.trongrid.io:443 is there twice"),
        (&[("CHAIN__PROVIDERS", "https://api.trongrid.io,http://node.example:8090")], "node.example:8090 must be asked over https://"),
        (&[("CHAIN__GENESIS_ID", &genesis[1..])], "chain.genesis_id must be 64 hex digits"),
        (&[("CHAIN__GENESIS_ID", &genesis.to_uppercase())], "chain.genesis_id must be 64 hex digits"),
        (&[("CHAIN__FEE_LIMIT_MAX_TRX", "0")], "chain.fee_limit_max_trx must be at least 1"),
        (&[("CHAIN__HOT_LOW_WATER", "300000")], "chain.hot_low_water must not be more than chain.hot_high_water"),
    ] {
        for command in [&CHECK[..], &["serve"]] {
            let line = place.refused(&good.with(changes).all(), command, "");
            assert!(line.contains(expected), "{expected}: {line}");
        }
    }
}

#[test]
fn the_demo_takes_no_place_of_an_installation() {
    let place = Place::new();
    let line = place.refused(&[], &["demo"], "");
    assert!(line.ends_with("the demo plays in a place of its own: --data-dir has no effect there"), "{line}");
}
