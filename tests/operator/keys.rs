//! `roborent wallet init`, and servers that are given its keys.

use std::os::unix::fs::PermissionsExt as _;

use crate::place::Place;

pub const PASSPHRASE: (&str, &str) = ("CHAIN__PASSPHRASE", "correct horse battery");
pub const MAINNET: (&str, &str) = ("INSTALLATION__NETWORK", "mainnet");
const ABANDON: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const LEGAL: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";
/// Two that were drawn for this test.
pub const DRAWN: &str = "pass leaf amused pyramid obtain lion sword tray artist syrup battle snap mercy lamp color connect more differ caught \
                     start ignore behave art run";
pub const LEFT: &str = "group devote group squirrel never hole essay arm host mesh victory success admit census bid amused soft scissors gaze above \
                    erosion abstract burden attract";
/// Of TRON's test network in a container.
const QUICKSTART: &str = "treat nation math panel calm spy much obey moral hazard they sorry";
pub const INIT: [&str; 2] = ["wallet", "init"];
pub const IMPORT: [&str; 3] = ["wallet", "init", "--import"];

/// What follows `name` in a line of `text`.
pub fn after(text: &str, name: &str) -> String {
    let value = text.lines().find_map(|line| line.trim().strip_prefix(name));
    value.unwrap_or_else(|| panic!("{name} in {text}")).trim().trim_matches('"').to_owned()
}

pub fn two(deposits: &str, hot: &str) -> String {
    format!("{deposits}\n{hot}\n")
}

#[test]
fn new_keys_are_shown_once_and_sealed_for_their_owner_alone() {
    let place = Place::new();
    let told = place.told(&[PASSPHRASE], &INIT, "");
    let (deposits, hot) = (after(&told, "deposit addresses: "), after(&told, "hot wallet: "));
    assert_eq!((deposits.split(' ').count(), hot.split(' ').count()), (24, 24));
    assert_ne!(deposits, hot);
    for setting in ["deposit_key_file = ", "hot_key_file = "] {
        let file = after(&told, setting);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains(&hot) && !text.contains("xprv") && !text.contains(PASSPHRASE.1));
    }

    let before = std::fs::read(place.path("data/hot.keystore")).unwrap();
    assert!(place.refused(&[PASSPHRASE], &INIT, "").ends_with("deposit.keystore: there is a file already, and keys are never overwritten"));
    std::fs::remove_file(place.path("data/deposit.keystore")).unwrap();
    assert!(place.refused(&[PASSPHRASE], &INIT, "").contains("hot.keystore: there is a file already"));
    assert_eq!(std::fs::read(place.path("data/hot.keystore")).unwrap(), before);
    assert!(!place.path("data/deposit.keystore").exists(), "nothing is made when one of the two is there");

    // The phrases lead to the same keys, and are not shown again.
    let folder = place.path("elsewhere");
    let import = [&IMPORT[..], &["--dir", folder.to_str().unwrap()]].concat();
    let again = place.told(&[PASSPHRASE], &import, &two(&deposits, &hot));
    for setting in ["deposit_xpub = ", "hot_address = "] {
        assert_eq!(after(&again, setting), after(&told, setting));
    }
    assert!(!again.contains(&deposits) && !again.contains(&hot) && folder.join("hot.keystore").exists());
}

#[test]
fn phrases_that_cannot_be_used_are_refused_in_one_line() {
    let place = Place::new();
    let swapped = LEGAL.replace("sausage", "legal");
    for (environment, input, expected) in [
        (&[PASSPHRASE][..], two(LEGAL, LEGAL), "must not have the phrase of the deposit addresses"),
        (&[PASSPHRASE], two(LEGAL, &swapped), "the phrase of the hot wallet: the words are no BIP-39 mnemonic"),
        (&[PASSPHRASE], two("", LEGAL), "standard input must have two lines"),
        (&[PASSPHRASE], "x ".repeat(2_000), "standard input must have two lines"),
        (&[PASSPHRASE, MAINNET], two(ABANDON, DRAWN), "the phrase of the deposit addresses is one that everybody can guess"),
        (&[PASSPHRASE, MAINNET], two(DRAWN, LEGAL), "the phrase of the hot wallet is one that everybody can guess"),
        (&[PASSPHRASE, MAINNET], two(QUICKSTART, DRAWN), "the phrase of the deposit addresses is one that everybody knows"),
        (&[PASSPHRASE, MAINNET], two(DRAWN, QUICKSTART), "the phrase of the hot wallet is one that everybody knows"),
        (&[("CHAIN__PASSPHRASE", "correct hor")], two(LEGAL, ABANDON), "must have at least 12 characters"),
        (&[], two(LEGAL, ABANDON), "there is no terminal to ask for a passphrase"),
        (&[("CHAIN__PASSPHRASE_FILE", "/nowhere")], two(LEGAL, ABANDON), "chain.passphrase_file: /nowhere"),
    ] {
        let line = place.refused(environment, &IMPORT, &input);
        assert!(line.contains(expected), "{line}");
        assert!(!line.contains("winner") && !line.contains("abandon"), "{line}");
    }
    assert!(!place.path("data/hot.keystore").exists() && !place.path("data/deposit.keystore").exists());
}

#[test]
fn keys_that_everybody_knows_are_for_play_money_alone() {
    let place = Place::new();
    let told = place.told(&[PASSPHRASE, ("INSTALLATION__NETWORK", "nile")], &IMPORT, &two(QUICKSTART, ABANDON));
    let drawn = place.path("drawn");
    let import = [&IMPORT[..], &["--dir", drawn.to_str().unwrap()]].concat();
    let good = place.told(&[PASSPHRASE, MAINNET], &import, &two(DRAWN, LEFT));
    let value = |text: &str, name: &str| after(text, &format!("{name} = "));
    let settings = |deposits: &str, hot: &str, cold: &str, role: &str| {
        let settings = [
            MAINNET,
            PASSPHRASE,
            ("SERVER__PUBLIC_URL", "https://market.example"),
            ("SERVER__LISTEN", "127.0.0.1:0"),
            ("SERVER__INTERNAL_LISTEN", "127.0.0.1:0"),
            ("SERVER__ROLE", role),
            ("CHAIN__DEPOSIT_XPUB", &value(deposits, "deposit_xpub")),
            ("CHAIN__HOT_ADDRESS", &value(hot, "hot_address")),
            ("CHAIN__COLD_ADDRESS", cold),
        ];
        place.refused(&settings, &["serve"], "")
    };
    let cold = value(&told, "hot_address");
    for role in ["web", "jobs"] {
        for (deposits, hot, cold, named) in
            [(&told, &good, "", "chain.deposit_xpub"), (&good, &told, "", "chain.hot_address"), (&good, &good, &cold, "chain.cold_address")]
        {
            let line = settings(deposits, hot, cold, role);
            assert!(line.contains(&format!("{named} is of a phrase that everybody knows")), "{line}");
        }
    }
    assert!(!place.path("data/roborent.sqlite").exists(), "nothing was made");
}

#[test]
fn a_server_opens_keystores_with_their_passphrase_and_only_where_it_pays() {
    const ANYWHERE: &str = "127.0.0.1:0";
    let place = Place::new();
    let told = place.told(&[PASSPHRASE], &INIT, "");
    let values = ["deposit_xpub", "hot_address", "deposit_key_file", "hot_key_file"].map(|name| after(&told, &format!("{name} = ")));
    let mut settings = vec![
        ("INSTALLATION__NETWORK", "nile"),
        ("SERVER__PUBLIC_URL", "https://market.example"),
        ("CHAIN__DEPOSIT_XPUB", &values[0]),
        ("CHAIN__HOT_ADDRESS", &values[1]),
        // Nobody listens there.
        ("CHAIN__PROVIDERS", "http://127.0.0.1:9"),
        ("CHAIN__DEPOSIT_KEY_FILE", &values[2]),
        ("CHAIN__HOT_KEY_FILE", &values[3]),
    ];
    let serve = |role| ["serve", "--role", role, "--listen", ANYWHERE, "--internal-listen", ANYWHERE, "--devnet-listen", ANYWHERE];
    let refused = |settings: &[(&str, &str)], role| place.refused(settings, &serve(role), "");

    assert!(refused(&settings, "gateway").contains("chain.passphrase or chain.passphrase_file must be set"));
    let web = refused(&settings, "web");
    assert!(web.contains("chain.hot_key_file and chain.deposit_key_file belong to the role gateway alone"), "{web}");
    settings.push(("CHAIN__PASSPHRASE", "wrong horse battery"));
    let wrong = refused(&settings, "gateway");
    assert!(wrong.starts_with("roborent: ") && wrong.ends_with("hot.keystore: the passphrase does not open this keystore"), "{wrong}");

    let shown = place.told(&settings, &["wallet", "address"], "");
    assert_eq!((after(&shown, "deposit_xpub "), after(&shown, "hot ")), (values[0].clone(), values[1].clone()));
    assert_eq!(after(&shown, "USDT contract "), "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf");
    // The hot wallet's key under the name of the other.
    settings.retain(|(name, _)| !["CHAIN__HOT_KEY_FILE", "CHAIN__PASSPHRASE"].contains(name));
    settings.extend([("CHAIN__HOT_KEY_FILE", values[2].as_str()), PASSPHRASE]);
    assert!(refused(&settings, "gateway").ends_with("deposit.keystore: this keystore holds another kind of key"));
}
